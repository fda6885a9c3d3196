import type { ScenarioCase } from "../scenario.ts";
import { admission } from "./admission.ts";
import { apply } from "./apply.ts";
import { bodies } from "./bodies.ts";
import { builtins } from "./builtins.ts";
import { conditionCases } from "./conditions.ts";
import { create } from "./create.ts";
import { definitions } from "./definitions.ts";
import { deletion } from "./delete.ts";
import { discovery } from "./discovery.ts";
import { identity } from "./identity.ts";
import { kubectlCases } from "./kubectl.ts";
import { compaction, list } from "./list.ts";
import { namespaces } from "./namespaces.ts";
import { patches } from "./patch.ts";
import { refusals } from "./refusals.ts";
import { schemas } from "./schema.ts";
import { tables } from "./tables.ts";
import { update } from "./update.ts";
import { verdicts } from "./verdicts.ts";
import { watches } from "./watch.ts";

/** By the name of the golden file. Names of scenarios are unique over all groups. */
export const GROUPS: Readonly<Record<string, readonly ScenarioCase[]>> = {
  create,
  update,
  delete: deletion,
  patch: patches,
  apply,
  list,
  watch: watches,
  definitions,
  schema: schemas,
  namespaces,
  identity,
  discovery,
  bodies,
  refusals,
  builtins,
  tables,
  admission,
  verdicts,
  conditions: conditionCases,
  kubectl: kubectlCases,
  compaction,
};
