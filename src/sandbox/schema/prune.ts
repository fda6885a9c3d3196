import { isObject, type JsonObject, setOwn } from "../json.ts";
import { joinPath, memberSchema, type Schema } from "./schema.ts";

/** Every object has these three, whatever its schema says. */
const OBJECT_FIELDS = ["apiVersion", "kind", "metadata"];

export interface Pruned {
  value: JsonObject;
  /** Paths of what was dropped, as in `spec.zzz`. */
  unknown: string[];
}

/** A copy of the object without the fields its schema doesn't know. */
export function prune(object: JsonObject, schema: Schema): Pruned {
  const unknown: string[] = [];
  const value = pruneValue(object, schema, "", true, unknown) as JsonObject;
  return { value, unknown };
}

function pruneValue(value: unknown, schema: Schema, path: string, root: boolean, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items === undefined) return value;
    return value.map((item, index) => pruneValue(item, items, joinPath(path, index), false, unknown));
  }
  if (!isObject(value)) return value;
  const embedded = root || schema["x-kubernetes-embedded-resource"] === true;
  const kept: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const known = memberSchema(schema, key);
    if (embedded && OBJECT_FIELDS.includes(key)) setOwn(kept, key, member);
    else if (known !== undefined)
      setOwn(kept, key, pruneValue(member, known, joinPath(path, key), false, unknown));
    else if (schema["x-kubernetes-preserve-unknown-fields"] || schema.additionalProperties === true) {
      setOwn(kept, key, member);
    } else unknown.push(joinPath(path, key));
  }
  return kept;
}
