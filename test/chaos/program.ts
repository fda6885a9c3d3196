import { join } from "node:path";
import { MUTATIONS } from "../simulation/mutations.ts";
import type { Program } from "./member.ts";

/** The service from its source, with one of the simulation's mistakes planted as it is loaded. */
export function mutated(name: string): Program {
  if (!MUTATIONS.some((mutation) => mutation.name === name)) {
    throw new Error(`no mutation "${name}"; there are:\n${MUTATIONS.map((each) => each.name).join("\n")}`);
  }
  return {
    args: [
      "--import",
      join(import.meta.dirname, "../simulation/plant.ts"),
      join(import.meta.dirname, "../../src/main.ts"),
    ],
    env: { SIM_MUTATION: name },
  };
}
