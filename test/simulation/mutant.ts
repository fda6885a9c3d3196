import type { Plan } from "./plan.ts";
import { mutation, timesPlanted } from "./plant.ts";
import type { Result } from "./run.ts";

/**
 * Runs seeds with one mistake in the product until one of them fails; `SIM_MUTATION` is its name. With `SIM_SHRINK`
 * the shortest run that fails alike is looked for, and run once more from how it is written down.
 */
const { shrink } = await import("./shrink.ts");
const { run } = await import("./run.ts");
const { formatPlan, parsePlan, planOf } = await import("./plan.ts");
if (timesPlanted() !== 1) throw new Error(`${mutation.file} was loaded ${timesPlanted()} times`);

const { SIM_SEEDS = "200", SIM_FROM = String(mutation.fromSeed ?? 1), SIM_SHRINK } = process.env;
for (let seed = Number(SIM_FROM); seed < Number(SIM_FROM) + Number(SIM_SEEDS); seed++) {
  const plan = { ...planOf(seed), ...mutation.plan };
  const faults = [...new Set([...plan.faults, ...mutation.needs])];
  const failing = { ...plan, faults };
  const result = await run(failing);
  const { violations, events } = result;
  if (violations.length === 0) continue;
  console.log(
    JSON.stringify({
      seed,
      violations,
      events,
      ...(SIM_SHRINK && { shortest: await shortestOf(failing, result) }),
    }),
  );
  break;
}

async function shortestOf(failing: Plan, result: Result) {
  const { plan, result: first } = await shrink(failing, result);
  const again = await run(parsePlan(formatPlan(plan)));
  const { violations, events, hash } = first;
  return { plan, violations, events, same: again.hash === hash };
}
