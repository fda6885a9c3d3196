import { registerHooks } from "node:module";
import { MUTATIONS } from "./mutations.ts";

/** Runs seeds with one mistake in the product until one of them fails; `SIM_MUTATION` is its name. */
const mutation = MUTATIONS.find(({ name }) => name === process.env.SIM_MUTATION);
if (mutation === undefined) throw new Error(`no mutation ${process.env.SIM_MUTATION}`);
const target = new URL(`../../${mutation.file}`, import.meta.url).href;
let applied = 0;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const parts = String(loaded.source).split(mutation.from);
    if (parts.length !== 2)
      throw new Error(`${mutation.file} has it ${parts.length - 1} times: ${mutation.from}`);
    applied++;
    return { ...loaded, source: parts.join(mutation.to) };
  },
});

const { run } = await import("./run.ts");
const { planOf } = await import("./plan.ts");
if (applied !== 1) throw new Error(`${mutation.file} was loaded ${applied} times`);

const { SIM_SEEDS = "200", SIM_FROM = "1" } = process.env;
for (let seed = Number(SIM_FROM); seed < Number(SIM_FROM) + Number(SIM_SEEDS); seed++) {
  const plan = { ...planOf(seed), ...mutation.plan };
  const faults = [...new Set([...plan.faults, ...mutation.needs])];
  const { violations } = await run({ ...plan, faults });
  if (violations.length === 0) continue;
  console.log(JSON.stringify({ seed, violations }));
  break;
}
