import type { Requirements } from "../claims/claim.ts";
import { bonus } from "../claims/priority.ts";
import {
  mergeRequirements,
  PRIORITY_ANNOTATION,
  parsePriority,
  requirementsFromAnnotations,
} from "../claims/requirements.ts";
import type { KubeObject, ResourceType } from "../kube/api.ts";
import { CAPI_PAUSED_ANNOTATION, CLUSTER_NAME_LABEL } from "./annotations.ts";
import { annotationsOf, createdAtMs, labelsOf, textOf } from "./fields.ts";
import type { Machine } from "./profile.ts";

/** What a kind of machine says in places of its own. */
export interface MachineFacts {
  readonly requirements: Requirements;
  readonly problems: readonly string[];
  readonly waits: boolean;
  readonly hostSpec: Readonly<Record<string, string>>;
}

/** What every kind of machine says alike, joined with what it says in its own places. */
export function readMachineOf(type: ResourceType, object: KubeObject, facts: MachineFacts): Machine {
  const annotations = annotationsOf(object);
  const stated = requirementsFromAnnotations(annotations);
  const priority = parsePriority(annotations[PRIORITY_ANNOTATION]);
  const problems = [
    ...stated.problems,
    ...(priority.problem === null ? [] : [priority.problem]),
    ...facts.problems,
  ];
  const cluster = textOf(labelsOf(object)[CLUSTER_NAME_LABEL]);
  return {
    kind: type.kind,
    apiVersion: object.apiVersion ?? `${type.group}/${type.version}`,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    uid: object.metadata.uid ?? "",
    createdAtMs: createdAtMs(object),
    requirements: { ...mergeRequirements(stated.requirements, facts.requirements), cluster },
    explicitPriority: priority.value,
    bonusPoints: bonus(stated.requirements, priority.value),
    deleting: object.metadata.deletionTimestamp !== undefined,
    paused: Object.hasOwn(annotations, CAPI_PAUSED_ANNOTATION),
    waits: facts.waits,
    problems,
    cluster,
    hostSpec: facts.hostSpec,
  };
}
