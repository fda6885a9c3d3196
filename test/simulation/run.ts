import { Chaos } from "./chaos.ts";
import { Cluster } from "./cluster.ts";
import { ActiveFaults, type Fault } from "./faults.ts";
import { gaugeProblems } from "./gauges.ts";
import { unhealed } from "./healed.ts";
import { Operator } from "./operator.ts";
import type { Plan } from "./plan.ts";
import { Random } from "./random.ts";
import { RequestCheck } from "./request-check.ts";
import { Scheduler } from "./scheduler.ts";
import { ADMIN, NAMESPACE } from "./server.ts";
import { Stored } from "./stored.ts";
import { Trace } from "./trace.ts";
import { Witness } from "./witness.ts";

export interface Result {
  /** What went wrong; empty when nothing did. */
  readonly violations: readonly string[];
  /** The same for the same plan, each time. */
  readonly hash: string;
  readonly events: number;
  /** Virtual milliseconds from the end of the faults until all was well. */
  readonly healedAfterMs: number;
  readonly counts: Witness["counts"];
  /** How often each fault struck, and in which order those did that can be left out. */
  readonly faults: ReadonlyMap<Fault, number>;
  readonly strikes: readonly string[];
}

/** Whoever has not recovered by then never will: machines sleep a minute, and twice when they are unlucky. */
const HEALING_MS = 300_000;

/** One run: first faults, during which nothing unsafe may happen, then healing, at whose end all must be well. */
export async function run(plan: Plan, print: ((line: string) => void) | null = null): Promise<Result> {
  const random = new Random(plan.seed);
  const scheduler = new Scheduler(random.fork("scheduler"));
  const trace = new Trace(print);
  const active = new ActiveFaults();
  const witness = new Witness({ plan, scheduler, trace });
  const cluster = new Cluster({ plan, scheduler, random, active, witness, trace });
  const stored = new Stored(cluster.server.store);
  witness.watch(cluster.server.store);
  const requests = new RequestCheck(cluster.server.store, witness.violated);
  const admin = cluster.server.api(ADMIN);
  const operator = new Operator({
    api: admin,
    namespace: NAMESPACE,
    random: random.fork("operator"),
    stored,
    style: plan.controllers[0] ?? "current",
    note: (what) => trace.note(scheduler.nowMs, "operator", what),
    renounce: (uid) => requests.renounce(uid),
  });
  const chaos = new Chaos({
    cluster,
    scheduler,
    random,
    active,
    without: plan.without,
    operator,
    admin,
    note: (what) => trace.note(scheduler.nowMs, "chaos", what),
  });
  let healedAfterMs = Number.POSITIVE_INFINITY;
  try {
    await cluster.server.install();
    for (const fault of plan.faults) active.add(fault);
    cluster.start();
    const workload = random.fork("workload");
    const soon = (act: () => Promise<void>) =>
      scheduler.after(workload.between(0, plan.arrivalMs), () => void act());
    for (let count = 0; count < plan.hosts; count++) soon(() => operator.addHost());
    for (let count = 0; count < plan.machines; count++) soon(() => operator.addMachine());
    for (let count = 0; count < plan.requests; count++) soon(() => operator.addRequest());
    chaos.start();
    const failed = () => witness.violations.length > 0;
    await scheduler.runUntil(plan.faultMs, failed);
    if (!failed()) {
      active.clear();
      cluster.heal();
      void operator.tidy();
      const from = scheduler.nowMs;
      const problems = async () => {
        const open = unhealed(cluster, stored, scheduler.nowMs);
        return open.length > 0 ? open : gaugeProblems(cluster, stored, (member) => witness.deeds(member));
      };
      let last: readonly string[];
      do {
        await scheduler.runUntil(scheduler.nowMs + 1_000, failed);
        last = await problems();
      } while (last.length > 0 && scheduler.nowMs < from + HEALING_MS && !failed());
      if (last.length === 0) healedAfterMs = scheduler.nowMs - from;
      if (!failed()) for (const problem of last) witness.violated(`after healing: ${problem}`);
      if (!failed()) await compareCounters(cluster, witness);
    }
  } catch (error) {
    witness.violated(`the run ended: ${error instanceof Error ? error.stack : String(error)}`);
  }
  cluster.server.stop();
  return {
    violations: witness.violations,
    hash: trace.hash,
    events: scheduler.events,
    healedAfterMs,
    counts: witness.counts,
    faults: active.strikes,
    strikes: chaos.strikes,
  };
}

/** What each replica that lives has counted must be what it did. */
async function compareCounters({ replicas }: Cluster, witness: Witness): Promise<void> {
  for (const member of replicas) {
    if (!member?.process.alive) continue;
    for (const difference of await member.tally.differences(witness.deeds(member)))
      witness.violated(`${member.process.name} ${difference}`);
  }
}
