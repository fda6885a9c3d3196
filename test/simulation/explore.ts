import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { FAULTS } from "./faults.ts";
import { parsePlan, planOf } from "./plan.ts";
import { type Result, run } from "./run.ts";
import { explained } from "./shrink.ts";

/**
 * `SIM_SEED=n` or `SIM_PLAN=json` shows one run, line by line. Otherwise tries `SIM_SEEDS` seeds (default 1000) from
 * `SIM_FROM` (default 1) on, in as many threads as there are cores, and explains each that fails.
 */
const { SIM_SEED, SIM_PLAN, SIM_SEEDS = "1000", SIM_FROM = "1" } = process.env;

/** So many seeds show every fault, and these deeds. */
const SEEDS_FOR_ALL = 500;
const MUST_HAPPEN = ["optimistic", "led", "ordered", "bound", "renewed", "mistrusted", "lateStored"] as const;

interface Outcome {
  readonly seed: number;
  readonly events: number;
  readonly counts: Result["counts"];
  readonly faults: Result["faults"];
  /** "" where nothing failed. */
  readonly failure: string;
}

async function tryOne(seed: number): Promise<Outcome> {
  const plan = planOf(seed);
  const result = await run(plan);
  const { events, counts, faults, violations } = result;
  return {
    seed,
    events,
    counts,
    faults,
    failure: violations.length === 0 ? "" : await explained(plan, result),
  };
}

async function tryMany(from: number, seeds: number): Promise<void> {
  const threads = Math.min(availableParallelism(), seeds);
  const startedMs = performance.now();
  const totals = new Map<string, number>();
  const struck = new Map<string, number>();
  let tried = 0;
  const note = ({ events, counts, faults, failure }: Outcome) => {
    for (const [fault, strikes] of faults) struck.set(fault, (struck.get(fault) ?? 0) + strikes);
    tried++;
    if (failure !== "") console.log(failure);
    const deeds = { ...counts, events, failed: failure === "" ? 0 : 1 };
    for (const [what, count] of Object.entries(deeds)) totals.set(what, (totals.get(what) ?? 0) + count);
  };
  await Promise.all(
    Array.from({ length: threads }, (_, at) => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { from: from + at, seeds, threads },
      });
      worker.on("message", note);
      return new Promise((resolve, reject) => worker.on("error", reject).on("exit", resolve));
    }),
  );
  // A run that never ends takes its thread, and all seeds that were still to come in it, along.
  if (tried !== seeds) throw new Error(`only ${tried} of ${seeds} seeds came to an end`);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`${seeds} seeds in ${seconds} s:`, Object.fromEntries(totals));
  console.log("faults struck:", Object.fromEntries(struck));
  const idle = [
    ...FAULTS.filter((fault) => !struck.has(fault)),
    ...MUST_HAPPEN.filter((deed) => !totals.get(deed)),
  ];
  // A check of what never happens finds nothing; few seeds need not show everything.
  if (seeds >= SEEDS_FOR_ALL && idle.length > 0) throw new Error(`never happened: ${idle.join(", ")}`);
  process.exitCode = totals.get("failed") ? 1 : 0;
}

if (!isMainThread) {
  const { from, seeds, threads } = workerData as { from: number; seeds: number; threads: number };
  const end = Number(SIM_FROM) + seeds;
  for (let seed = from; seed < end; seed += threads) parentPort?.postMessage(await tryOne(seed));
} else if (SIM_SEED !== undefined || SIM_PLAN !== undefined) {
  const plan = SIM_PLAN === undefined ? planOf(Number(SIM_SEED)) : parsePlan(SIM_PLAN);
  const result = await run(plan, console.log);
  console.log(result);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
} else {
  await tryMany(Number(SIM_FROM), Number(SIM_SEEDS));
}
