import { formatPlan, parsePlan, planOf } from "./plan.ts";
import { run } from "./run.ts";

/** `SIM_SEED=n` shows one run; `SIM_SEEDS=n` (and `SIM_FROM=n`) tries many. */
const { SIM_SEED, SIM_PLAN, SIM_SEEDS = "100", SIM_FROM = "1" } = process.env;
const print = process.env.SIM_QUIET ? null : (line: string) => console.log(line);

if (SIM_SEED !== undefined || SIM_PLAN !== undefined) {
  const plan = SIM_PLAN === undefined ? planOf(Number(SIM_SEED)) : parsePlan(SIM_PLAN);
  const result = await run(plan, print);
  console.log(formatPlan(plan));
  console.log(result);
} else {
  const from = Number(SIM_FROM);
  let failures = 0;
  let events = 0;
  const startedMs = performance.now();
  for (let seed = from; seed < from + Number(SIM_SEEDS); seed++) {
    const result = await run(planOf(seed));
    events += result.events;
    if (result.violations.length === 0) continue;
    failures++;
    console.log(`SIM_SEED=${seed}: ${result.violations[0]}`);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`${SIM_SEEDS} seeds, ${failures} failed, ${events} events, ${seconds.toFixed(1)} s`);
}
