import { isObject } from "../json.ts";
import { memberSchema, type Schema } from "./schema.ts";

/** Removes, in place, nulls of fields that may not be null: in what clients send they mean absence. */
export function dropForbiddenNulls(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) dropForbiddenNulls(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, member] of Object.entries(value)) {
    const inner = memberSchema(schema, key);
    if (inner === undefined) continue;
    if (member === null && !inner.nullable && inner.default === undefined) delete value[key];
    else dropForbiddenNulls(member, inner);
  }
}
