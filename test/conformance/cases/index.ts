import type { ScenarioCase } from "../scenario.ts";
import { create } from "./create.ts";
import { deletion } from "./delete.ts";
import { update } from "./update.ts";

/** By the name of the golden file. Names of scenarios are unique over all groups. */
export const GROUPS: Readonly<Record<string, readonly ScenarioCase[]>> = {
  create,
  update,
  delete: deletion,
};
