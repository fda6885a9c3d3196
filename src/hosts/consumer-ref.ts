import type { Consumer } from "../claims/claim.ts";
import { type Fields, fieldsOf, textOf } from "./fields.ts";

// The fields of corev1.ObjectReference.
const REFERENCE_FIELDS = [
  "apiVersion",
  "kind",
  "namespace",
  "name",
  "uid",
  "resourceVersion",
  "fieldPath",
] as const;

/**
 * The consumer that a consumerRef names; null where it is absent, `{}` or without a name. Typed Go clients leave
 * apiVersion and kind out, and a reference without a namespace means its host's.
 */
export function readReference(
  reference: unknown,
  machineKind: string,
  hostNamespace: string,
): Consumer | null {
  const fields = fieldsOf(reference);
  const name = textOf(fields.name);
  if (name === "") return null;
  return {
    apiVersion: textOf(fields.apiVersion),
    kind: textOf(fields.kind) || machineKind,
    namespace: textOf(fields.namespace) || hostNamespace,
    name,
    uid: textOf(fields.uid),
  };
}

/**
 * `reference` as part of a merge patch: whatever it does not set is removed, since a merge would otherwise keep
 * fields of the reference that stood there before (node reuse leaves one, and so does an empty one with a kind).
 */
export function replaceReference(reference: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const field of REFERENCE_FIELDS) patch[field] = textOf(reference[field]) || null;
  return patch;
}

export function sameReference(a: unknown, b: unknown): boolean {
  const [left, right]: Fields[] = [fieldsOf(a), fieldsOf(b)];
  return REFERENCE_FIELDS.every((field) => textOf(left![field]) === textOf(right![field]));
}

/** The API group of "group/version"; "" for the core group and for nothing. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
