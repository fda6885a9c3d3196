import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { freePorts } from "../controlplane/ports.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { physicalHost } from "../fixtures/objects.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";
import { GrantedCluster, NAMESPACE } from "../manifests/granted-cluster.ts";
import { claimReview } from "./admission-bodies.ts";
import type { Bench, Row } from "./main.ts";

const STARTS = 9;
const HOSTS = 10_000;
const POLL_MS = 5;
/** Half a second apart; by then the collector has taken what the lists left. */
const SETTLED_LOOKS = 20;
const REVIEW = JSON.stringify({
  ...JSON.parse(claimReview(0)),
  request: { ...JSON.parse(claimReview(0)).request, dryRun: true },
});

interface Ports {
  readonly webhook: number;
  readonly metrics: number;
}

/** From the start of the process to its first answered review, on a real API server; memory with many hosts. */
export const startupBench: Bench = {
  name: "startup",
  async run() {
    const bundle = await buildBundle();
    try {
      const size = statSync(join(bundle.folder, "app", "manager.mjs")).size / 1_024;
      return [
        ...(await measureStart(bundle)),
        { figure: "size of the bundle", value: size, unit: "KiB", limit: null },
        ...(await measureMemory(bundle)),
        {
          figure: "resident memory of an empty Node",
          value: await emptyNodeMB(bundle),
          unit: "MB",
          limit: null,
        },
      ];
    } finally {
      bundle.remove();
    }
  },
};

async function measureStart(bundle: Bundle): Promise<Row[]> {
  const cluster = await GrantedCluster.start();
  try {
    const { plane, ports } = cluster;
    const flags = [
      `--kubeconfig=${plane.kubeconfigFile({ token: await cluster.podToken("startup") })}`,
      `--webhook-url=https://127.0.0.1:${ports.webhook}`,
      "--enable-claim-coordinator-leader-election=true",
    ];
    const first = await startOnce(bundle, flags, ports);
    const again: Start[] = [];
    for (let round = 0; round < STARTS; round++) again.push(await startOnce(bundle, flags, ports));
    const row = (figure: string, value: number, limit: number | null): Row => ({
      figure,
      value,
      unit: "ms",
      limit,
    });
    return [
      row("process start to first answered review, first start ever", first.wallMs, null),
      row("process start to first answered review, median", median(again.map(({ wallMs }) => wallMs)), 500),
      row(
        "process start to first answered review, best",
        Math.min(...again.map(({ wallMs }) => wallMs)),
        null,
      ),
      row("processor time until then, median", median(again.map(({ cpuMs }) => cpuMs)), null),
    ];
  } finally {
    await cluster.stop();
  }
}

interface Start {
  readonly wallMs: number;
  /** Of all its threads. */
  readonly cpuMs: number;
}

async function startOnce(bundle: Bundle, flags: readonly string[], ports: Ports): Promise<Start> {
  const startedMs = performance.now();
  const child = launch(bundle, flags, ports);
  try {
    while (!(await isJudged(ports.webhook))) await pause(POLL_MS);
    const wallMs = performance.now() - startedMs;
    return { wallMs, cpuMs: cpuMsOf(child) };
  } finally {
    await end(child);
  }
}

async function measureMemory(bundle: Bundle): Promise<Row[]> {
  const sandbox = await startSandbox({ crds: [...sandboxCrds(), claimRequestDefinition()] });
  const api = sandbox.api();
  const folder = mkdtempSync(join(tmpdir(), "startup-bench-"));
  try {
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, sandbox.kubeconfig());
    await api.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
    for (let index = 0; index < HOSTS; index++) {
      const { metadata, status, ...host } = physicalHost({
        name: `host-${index}`,
        namespace: "default",
        size: "7KB",
      });
      const { name, namespace, labels, annotations, managedFields } = metadata;
      const meta = { name, namespace, labels, annotations, managedFields };
      const made = await api.create(PHYSICAL_HOSTS, { ...host, metadata: meta });
      await api.update(PHYSICAL_HOSTS, { ...made, status }, { subresource: "status" });
    }
    const [webhook = 0, metrics = 0] = await freePorts(2);
    const flags = [`--kubeconfig=${kubeconfig}`, "--enable-claim-coordinator-leader-election=true"];
    const child = launch(bundle, flags, { webhook, metrics });
    try {
      const free = 'beskar7_claim_coordinator_free_hosts{namespace="default",host_kind="PhysicalHost"}';
      while ((await metric({ metrics }, free)) < HOSTS) await pause(500);
      let settledBytes = 0;
      for (let look = 0; look < SETTLED_LOOKS; look++) {
        await pause(500);
        settledBytes = await metric({ metrics }, "process_resident_memory_bytes");
      }
      const figure = `resident memory, ${HOSTS.toLocaleString("en")} hosts of 7 KB mirrored`;
      const heapBytes = await metric({ metrics }, "nodejs_heap_size_used_bytes");
      return [
        { figure, value: settledBytes / 1e6, unit: "MB", limit: 120 },
        { figure: "of it heap in use", value: heapBytes / 1e6, unit: "MB", limit: null },
      ];
    } finally {
      await end(child);
    }
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true });
  }
}

/** With the same settings and no program. */
async function emptyNodeMB({ env }: Bundle): Promise<number> {
  const settings = ["--heap-growing-percent=30", "-p", "process.memoryUsage.rss()"];
  const { stdout } = await promisify(execFile)(process.execPath, settings, {
    env: { ...process.env, ...env },
  });
  return Number(stdout) / 1e6;
}

function launch(
  { file, env: imageEnv }: Bundle,
  flags: readonly string[],
  { webhook, metrics }: Ports,
): ChildProcess {
  const doors = [
    `--webhook-bind-address=127.0.0.1:${webhook}`,
    `--metrics-bind-address=127.0.0.1:${metrics}`,
    "--metrics-secure=false",
    "--health-probe-bind-address=0",
  ];
  const env = { ...process.env, ...imageEnv, POD_NAMESPACE: NAMESPACE };
  return spawn(process.execPath, [file, "manager", ...flags, ...doors], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.kill()) await once(child, "exit");
}

/** Whether a review (a dry run) is answered with a verdict on the claim, and not with "not ready yet". */
async function isJudged(port: number): Promise<boolean> {
  const body = REVIEW;
  const options = {
    method: "POST",
    rejectUnauthorized: false,
    headers: { "content-type": "application/json" },
  };
  try {
    const text = await new Promise<string>((resolve, reject) => {
      const call = request(`https://127.0.0.1:${port}/validate`, options, (answer) => {
        answer.setEncoding("utf8");
        let all = "";
        answer.on("data", (part: string) => {
          all += part;
        });
        answer.on("end", () => resolve(all));
      });
      call.on("error", reject).end(body);
    });
    const { response } = JSON.parse(text) as { response: { allowed: boolean; status?: { reason?: string } } };
    return response.allowed || response.status?.reason === "Conflict";
  } catch {
    return false;
  }
}

/** One sample of the service's own metrics; 0 while there is none. */
async function metric({ metrics }: Pick<Ports, "metrics">, sample: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${metrics}/metrics`).catch(() => undefined);
  const line = (await answer?.text())?.split("\n").find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length) ?? 0);
}

/** User and system time of all its threads, from Linux's /proc; in ticks of 10 ms. NaN elsewhere. */
function cpuMsOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return Number.NaN;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
