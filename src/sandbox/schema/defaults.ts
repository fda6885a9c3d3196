import { clone, isObject, setOwn } from "../json.ts";
import type { Schema } from "./schema.ts";

/** Fills in the defaults of a schema, in place. A null where null is not allowed counts as absent. */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    const current = Object.hasOwn(value, key) ? value[key] : undefined;
    if (current === undefined || (current === null && !property.nullable)) {
      setOwn(value, key, clone(property.default));
    }
  }
  for (const [key, member] of Object.entries(value)) {
    const inner = schema.properties?.[key] ?? schema.additionalProperties;
    if (typeof inner === "object") applyDefaults(member, inner);
  }
}
