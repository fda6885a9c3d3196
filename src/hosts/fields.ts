import type { KubeObject } from "../kube/api.ts";

/** Readers of raw objects: what is absent or of another type reads as empty, since a schema may be laxer than ours. */

export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});
const NO_TEXTS: Readonly<Record<string, string>> = Object.freeze({});

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : NOTHING;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** undefined for what is no finite number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export const specOf = (object: KubeObject): Fields => fieldsOf(object.spec);
export const statusOf = (object: KubeObject): Fields => fieldsOf(object.status);
export const labelsOf = (object: KubeObject) => object.metadata.labels ?? NO_TEXTS;
export const annotationsOf = (object: KubeObject) => object.metadata.annotations ?? NO_TEXTS;

/** A condition of status.conditions that is False for one of `reasons`. */
export function isFalseFor(conditions: unknown, type: string, reasons: readonly string[]): boolean {
  return listOf(conditions).some((entry) => {
    const condition = fieldsOf(entry);
    return (
      condition.type === type && condition.status === "False" && reasons.includes(textOf(condition.reason))
    );
  });
}

/** creationTimestamp as milliseconds since the epoch; 0 for an object that was never stored. */
export function createdAtMs(object: KubeObject): number {
  const ms = Date.parse(object.metadata.creationTimestamp ?? "");
  return Number.isNaN(ms) ? 0 : ms;
}
