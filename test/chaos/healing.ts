import { sleep, systemClock } from "../../src/clock.ts";
import { unsettled } from "../simulation/healed.ts";
import type { Random } from "../simulation/random.ts";
import { Stored } from "../simulation/stored.ts";
import { storedExpirySeconds } from "./certificates.ts";
import type { ChaosCluster } from "./cluster.ts";
import { gaugeProblems } from "./gauges.ts";
import { OrderTrial, TRIAL_HOSTS } from "./order.ts";
import { WAITING_BEACONS } from "./timeline.ts";
import type { Traffic } from "./traffic.ts";

/** Whoever has not recovered by then never will: a machine of Beskar7's sleeps a minute. */
const HEALING_MS = 90_000;
const LOOK_MS = 500;

export interface Healing {
  readonly cluster: ChaosCluster;
  readonly traffics: readonly Traffic[];
  readonly random: Random;
  readonly note: (what: string) => void;
}

export interface Healed {
  /** NaN: it never came to be well. */
  readonly tookMs: number;
  /** How many machines got a host each because they were first; 0: it did not come to that. */
  readonly inOrder: number;
}

/**
 * When nothing is in the way any more all must come to be well, and then hosts must go to who is first. What is not
 * well by the end is a violation.
 */
export async function heal(healing: Healing): Promise<Healed> {
  const { cluster, random } = healing;
  const tookMs = await untilWell(healing, "after healing");
  if (Number.isNaN(tookMs)) return { tookMs, inOrder: 0 };
  // v0.3.4 tries each free host five times before it says that it waits, fitting or not: half a minute for nothing.
  const pools = cluster.pools.filter(({ release }) => release === "current");
  const trials = pools.map((pool) => new OrderTrial(cluster, pool, random.fork("order")));
  await Promise.all(trials.map((trial) => trial.addMachines()));
  // Each replica counts them now, so the leader chooses among all of them.
  if (Number.isNaN(await untilWell(healing, "when six more wait"))) return { tookMs, inOrder: 0 };
  await Promise.all(trials.map((trial) => trial.addHosts()));
  if (Number.isNaN(await untilWell(healing, "when three can have hosts"))) return { tookMs, inOrder: 0 };
  const problems = trials.flatMap((trial) => trial.problems());
  for (const problem of problems) cluster.violated(`order: ${problem}`);
  return { tookMs, inOrder: problems.length > 0 ? 0 : trials.length * TRIAL_HOSTS };
}

async function untilWell({ cluster, traffics, note }: Healing, when: string): Promise<number> {
  const beganMs = systemClock.monotonicMs();
  let problems: string[] = [];
  for (;;) {
    const tookMs = systemClock.monotonicMs() - beganMs;
    try {
      for (const { operator } of traffics) await operator.tidy();
      await cluster.timeline.settle();
      problems = await problemsOf(cluster);
    } catch (error) {
      problems = [error instanceof Error ? error.message : String(error)];
    }
    if (problems.length === 0) return tookMs;
    note(`not well yet: ${problems.slice(0, 3).join("; ")}${problems.length > 3 ? "; and others" : ""}`);
    if (tookMs > HEALING_MS) break;
    await sleep(systemClock, LOOK_MS);
  }
  for (const problem of problems) cluster.violated(`${when}: ${problem}`);
  return Number.NaN;
}

async function problemsOf(cluster: ChaosCluster): Promise<string[]> {
  const leader = await cluster.leader();
  const unready: string[] = [];
  for (const member of cluster.members) {
    if (!(await member.isReady())) unready.push(`${member.pod} is not ready`);
  }
  const pools = cluster.pools.map(({ namespace }) => ({
    namespace,
    stored: new Stored(cluster.timeline.settled.within(namespace)),
  }));
  const stored = pools.flatMap((pool) =>
    unsettled(pool.stored, true).map((problem) => `${pool.namespace}: ${problem}`),
  );
  const problems = [...(leader === undefined ? ["nobody leads"] : []), ...unready, ...stored];
  // What changes still is measured a moment later or earlier.
  return problems.length > 0 ? problems : gaugesAgainst(cluster, pools);
}

async function gaugesAgainst(
  cluster: ChaosCluster,
  pools: readonly { namespace: string; stored: Stored }[],
): Promise<string[]> {
  const truth = {
    pools,
    waitingElsewhere: WAITING_BEACONS,
    holderIdentity: (await cluster.lease())?.holderIdentity ?? "",
    certificateExpirySeconds: await storedExpirySeconds(cluster.rig.admin),
  };
  const problems: string[] = [];
  for (const member of cluster.members) {
    const askedMs = systemClock.wallMs();
    const text = await member.metrics();
    const answeredMs = systemClock.wallMs();
    const { pod, electionsSinceLaunch: elections } = member;
    problems.push(...gaugeProblems({ pod, text, askedMs, answeredMs, elections }, truth));
  }
  return problems;
}
