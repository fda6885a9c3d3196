import { sleep, systemClock } from "../../src/clock.ts";
import { Random } from "../simulation/random.ts";
import { ChaosCluster } from "./cluster.ts";
import { Faults } from "./faults.ts";
import { type Healed, heal } from "./healing.ts";
import type { Program } from "./member.ts";
import { type Fault, scheduleOf } from "./schedule.ts";
import { Traffic } from "./traffic.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults go on; healing comes on top. */
  readonly faultMs: number;
  readonly kinds: readonly Fault[];
  readonly program: Program;
  /** A folder where the replicas' logs are kept, at level debug; "" keeps none. */
  readonly logs: string;
  /** Told what happens as it happens. */
  readonly note: (what: string) => void;
}

export interface ChaosResult {
  /** Empty when all is well. */
  readonly violations: readonly string[];
  /** What happened, for people. */
  readonly summary: readonly string[];
  /** Claims that were stored. */
  readonly binds: number;
  /** Faults that were seen to strike, by kind. */
  readonly faults: ReadonlyMap<Fault, number>;
}

/** What happened is checked this often, and then forgotten. */
const CHECK_MS = 20_000;
/** Enough to see what went wrong. */
const SHOWN = 20;

/** First faults under traffic, during which nothing unsafe may happen; then healing, at whose end all must be well. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, faultMs, kinds, program, logs } = options;
  const startedMs = systemClock.monotonicMs();
  const note = (what: string) => {
    const seconds = ((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1);
    options.note(`${seconds.padStart(7)} s  ${what}`);
  };
  const random = new Random(seed);
  const schedule = scheduleOf(seed, faultMs, kinds);
  note(`seed ${seed}, ${schedule.length} faults`);
  const cluster = await ChaosCluster.start({ program, logs });
  const faults = new Faults(cluster, note);
  const { ledger, timeline } = cluster;
  const traffics = cluster.pools.map((pool) => new Traffic(cluster, pool, random.fork(pool.namespace)));
  let healed: Healed = { tookMs: Number.NaN, inOrder: 0 };
  try {
    const busy = new AbortController();
    const working = traffics.map((traffic) => traffic.run(busy.signal));
    const checking = checkNowAndThen(cluster, busy.signal);
    const beganMs = systemClock.monotonicMs();
    const striking: Promise<void>[] = [];
    for (const planned of schedule) {
      await sleep(systemClock, Math.max(0, beganMs + planned.atMs - systemClock.monotonicMs()));
      striking.push(faults.strike(planned));
    }
    await sleep(systemClock, Math.max(0, beganMs + faultMs - systemClock.monotonicMs()));
    await Promise.all(striking);
    busy.abort();
    await Promise.all([...working, checking]);
    note("faults are over");
    for (const kind of kinds) {
      if (!faults.done.has(kind)) cluster.violated(`${kind} never struck`);
    }
    healed = await heal({ cluster, traffics, random, note });
    await timeline.settle();
  } catch (error) {
    cluster.violated(`the run could not go on: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await cluster.stop();
  }
  const violations = [...ledger.violations, ...cluster.leaks()];
  const { leader, optimistic, unstamped } = ledger.counts;
  const acts = traffics.reduce((sum, traffic) => sum + traffic.acts, 0);
  return {
    violations,
    binds: leader + optimistic + unstamped,
    faults: faults.done,
    summary: summaryOf({ cluster, faults, acts, seed, faultMs, healed, violations }),
  };
}

async function checkNowAndThen({ timeline }: ChaosCluster, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(systemClock, CHECK_MS, signal).catch(() => {});
    // While the API server is away there is nothing to check; a gap in the history shows at the end as well.
    await timeline.settle().catch(() => {});
  }
}

function summaryOf(run: {
  cluster: ChaosCluster;
  faults: Faults;
  acts: number;
  seed: number;
  faultMs: number;
  healed: Healed;
  violations: readonly string[];
}): string[] {
  const { cluster, faults, seed, faultMs, healed, violations } = run;
  const { attempts, ledger, members } = cluster;
  const { leader, optimistic, unstamped, releases, requests, versions } = ledger.counts;
  const listed = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([fault, count]) => `${fault} ${count}`).join(", ") || "none";
  const elections = members.reduce((sum, member) => sum + member.elections, 0);
  const healing = Number.isNaN(healed.tookMs) ? "not healed" : `healed after ${seconds(healed.tookMs)}`;
  return [
    `seed ${seed}: ${seconds(faultMs)} of faults, ${healing}`,
    `faults          ${listed(faults.done)}`,
    `  missed        ${listed(faults.missed)}`,
    `traffic         ${run.acts} changes by people; ${elections} elections`,
    `claims          ${attempts.sent} sent by controllers: ${attempts.stored} stored, ${attempts.refused} conflicts, ${attempts.failed} failed`,
    `requests        ${requests} made`,
    `binds           ${leader + optimistic + unstamped}: ${leader} under a leader, ${optimistic} without one, ${unstamped} unstamped`,
    `releases        ${releases}`,
    `host versions   ${versions} checked`,
    `order at last   ${healed.inOrder} hosts went to the machines that were first`,
    `violations      ${violations.length}`,
    ...violations.slice(0, SHOWN).map((violation) => `  ${violation}`),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
