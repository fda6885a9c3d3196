import type { ResourceType } from "../kube/api.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { STAMP_ANNOTATIONS } from "./annotations.ts";
import { replaceReference } from "./consumer-ref.ts";
import type { ClaimWrite } from "./profile.ts";

/** The consumerRef of a claim, as part of a merge patch: the attempt's own, verbatim, where there was one. */
export function consumerRefPatch(
  { consumer, machine, attemptedRef }: ClaimWrite,
  machineType: ResourceType,
  withUid: boolean,
): Record<string, unknown> {
  if (attemptedRef !== null) return replaceReference(attemptedRef);
  const { kind, namespace, name, uid } = consumer;
  const apiVersion = machine?.apiVersion || consumer.apiVersion || apiVersionOfKind(kind, machineType);
  const isMachine = kind === machineType.kind;
  return replaceReference({ apiVersion, kind, namespace, name, uid: isMachine && !withUid ? "" : uid });
}

function apiVersionOfKind(kind: string, machineType: ResourceType): string {
  const type = [machineType, CLAIM_REQUESTS].find((candidate) => candidate.kind === kind);
  return type === undefined ? "" : `${type.group}/${type.version}`;
}

/** Merge patch of annotations that takes every stamp of a claim away. */
export function removeStamps(): Record<string, null> {
  return Object.fromEntries(STAMP_ANNOTATIONS.map((key) => [key, null]));
}
