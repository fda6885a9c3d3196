/** How long the Lease is without a living holder, on a real API server, with the default durations. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/clock.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { Mirror } from "../../src/kube/mirror.ts";
import { LEASES } from "../../src/kube/types.ts";
import { Elector } from "../../src/leader/elector.ts";
import { silentLog } from "../../src/log.ts";
import { startControlPlane } from "../controlplane/index.ts";
import type { Bench } from "./main.ts";

const DURATIONS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const FIXTURE = fileURLToPath(new URL("../leader/candidate.fixture.ts", import.meta.url));
const KILLS = 3;
const SHUTDOWNS = 20;

export const electionBench: Bench = {
  name: "election",
  async run() {
    const plane = await startControlPlane();
    const kubeconfig = plane.kubeconfigFile();
    const api = createKubeApi({ config: loadKubeConfig({ kubeconfig }), version: "bench" });
    try {
      const kills = [];
      for (let i = 0; i < KILLS; i++) kills.push(await afterKill(api, kubeconfig, `kill-${i}`));
      const shutdowns = [];
      for (let i = 0; i < SHUTDOWNS; i++) shutdowns.push(await afterShutdown(api, `shutdown-${i}`));
      const worst = (values: number[]) => Math.max(...values);
      return [
        {
          figure: "shutdown to the next leader, worst of 20",
          value: worst(shutdowns),
          unit: "ms",
          limit: 1_000,
        },
        { figure: "kill -9 to the next leader, worst of 3", value: worst(kills), unit: "ms", limit: 17_000 },
      ];
    } finally {
      api.close();
      await plane.stop();
    }
  },
};

async function afterKill(api: KubeClient, kubeconfig: string, lease: string): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [FIXTURE, kubeconfig, lease, "first"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(child.stdout!, "data");
    const next = stand(api, lease, "second");
    await next.sawLeader;
    child.kill("SIGKILL");
    const killedAtMs = performance.now();
    await next.leads;
    const elapsedMs = performance.now() - killedAtMs;
    await next.stop();
    return elapsedMs;
  } finally {
    child.kill("SIGKILL");
  }
}

async function afterShutdown(api: KubeClient, lease: string): Promise<number> {
  const first = stand(api, lease, "first");
  await first.leads;
  const second = stand(api, lease, "second");
  await second.sawLeader;
  const stoppedAtMs = performance.now();
  await Promise.all([first.stop(), second.leads]);
  const elapsedMs = performance.now() - stoppedAtMs;
  await second.stop();
  return elapsedMs;
}

/** A candidate of this process, with its watch, as a replica runs it. */
function stand(api: KubeClient, name: string, identity: string) {
  const abort = new AbortController();
  const leads = Promise.withResolvers<void>();
  const sawLeader = Promise.withResolvers<void>();
  const common = { api, clock: systemClock, log: silentLog, random: Math.random, namespace: "default" };
  const elector = new Elector({
    ...common,
    ...DURATIONS,
    name,
    identity,
    onStartedLeading: () => leads.resolve(),
    onStoppedLeading() {},
    onNewLeader: () => sawLeader.resolve(),
  });
  const mirror = new Mirror<KubeObject>({
    ...common,
    type: LEASES,
    fieldSelector: `metadata.name=${name}`,
    project: (object) => object,
    onChange: (change) =>
      elector.noteLease(change.type === "set" ? change.value : null, mirror.resourceVersion),
  });
  mirror.start(abort.signal);
  const ran = elector.run(abort.signal);
  const stop = () => {
    abort.abort();
    return ran;
  };
  return { leads: leads.promise, sawLeader: sawLeader.promise, stop };
}
