import type { Claim } from "../claims/claim.ts";
import { untilSignalled } from "../cli/signals.ts";
import { sleep, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { type DemoCluster, startDemoCluster } from "./cluster.ts";
import { seededRandom } from "./random.ts";
import { report, summaryLine, waitingClaims } from "./summary.ts";
import { DemoWorkload } from "./workload.ts";

const EVERY_MS = 1_000;

/**
 * `demo`: the whole service on this machine, without a cluster: a sandbox API server, replicas, controllers that
 * contend. For development and demonstration; nothing of it is meant to last. Exit code 1 with --once when anything
 * went wrong.
 */
export async function runDemo(config: Config): Promise<number> {
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const end = new AbortController();
  const signalled = untilSignalled().then(() => end.abort(new Error("interrupted")));
  print("Starting a sandbox Kubernetes API, the claim coordinator and three contending controllers...");
  const cluster = await startDemoCluster(config);
  try {
    const seed = config.seed === 0 ? Math.floor(Math.random() * 2 ** 31) + 1 : config.seed;
    const workload = new DemoWorkload({ cluster, clock: systemClock, random: seededRandom(seed) });
    print(addresses(cluster, seed));
    const contenders = await play(config, cluster, workload, end, print);
    await workload.history.complete();
    const { lines, ok } = report(workload, contenders, cluster.managers[0]?.replica);
    print(`\n${lines.join("\n")}`);
    return config.once && !ok ? 1 : 0;
  } finally {
    end.abort();
    await cluster.close();
    void signalled;
  }
}

/** Plays until it is interrupted, or for --duration with --once; gives the claims that first waited for the hosts. */
async function play(
  config: Config,
  cluster: DemoCluster,
  workload: DemoWorkload,
  end: AbortController,
  print: (text: string) => void,
): Promise<Claim[]> {
  const { signal } = end;
  const startedMs = systemClock.monotonicMs();
  const seconds = () => (systemClock.monotonicMs() - startedMs) / 1000;
  let contenders: Claim[] = [];
  const act = async () => {
    await workload.begin(signal);
    await workload.freeHosts(signal);
    contenders = waitingClaims(cluster.managers[0]?.replica);
    if (!config.once) await workload.churn(signal);
  };
  const failed = new Promise<never>((_resolve, reject) => {
    act().catch((error) => {
      if (!signal.aborted) reject(error);
    });
  });
  const watch = async () => {
    while (!signal.aborted && (!config.once || systemClock.monotonicMs() - startedMs < config.durationMs)) {
      print(summaryLine(cluster, workload, seconds()));
      await sleep(systemClock, EVERY_MS, signal).catch(() => {});
      const hosts = [...workload.history.hosts()];
      if (config.once && hosts.length > 0 && hosts.every(({ consumer }) => consumer !== null)) break;
    }
    print(summaryLine(cluster, workload, seconds()));
  };
  await Promise.race([failed, watch()]);
  return contenders;
}

function addresses(cluster: DemoCluster, seed: number): string {
  const port = cluster.managers[0]?.addresses.metrics?.port;
  return [
    "",
    `  status page   http://127.0.0.1:${port}/`,
    `  metrics       http://127.0.0.1:${port}/metrics`,
    `  kubectl       export KUBECONFIG=${cluster.kubeconfigPath}`,
    "                kubectl get physicalhosts,claimreq -n default",
    `  logs          ${cluster.folder}/coordinator-*.log`,
    `  seed          ${seed} (--seed=${seed} makes the same workload again)`,
    "  Ctrl-C ends it and removes everything.",
    "",
  ].join("\n");
}
