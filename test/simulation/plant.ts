import { registerHooks } from "node:module";
import { MUTATIONS } from "./mutations.ts";

/** The mistake that `SIM_MUTATION` names, put in as the product's source is loaded, wherever this is imported first. */
export const mutation = MUTATIONS.find(({ name }) => name === process.env.SIM_MUTATION)!;
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

/** How often the file with the mistake was loaded. */
export function timesPlanted(): number {
  return applied;
}
