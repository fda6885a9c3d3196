import { mutation, timesPlanted } from "./plant.ts";

/** Runs seeds with one mistake in the product until one of them fails; `SIM_MUTATION` is its name. */
const { run } = await import("./run.ts");
const { planOf } = await import("./plan.ts");
if (timesPlanted() !== 1) throw new Error(`${mutation.file} was loaded ${timesPlanted()} times`);

const { SIM_SEEDS = "200", SIM_FROM = String(mutation.fromSeed ?? 1) } = process.env;
for (let seed = Number(SIM_FROM); seed < Number(SIM_FROM) + Number(SIM_SEEDS); seed++) {
  const plan = { ...planOf(seed), ...mutation.plan };
  const faults = [...new Set([...plan.faults, ...mutation.needs])];
  const { violations } = await run({ ...plan, faults });
  if (violations.length === 0) continue;
  console.log(JSON.stringify({ seed, violations }));
  break;
}
