import { shownPath } from "../field-set.ts";
import { itemSegment, listKeys, type Shape } from "../field-shape.ts";
import { asArray, isObject, jsonType } from "../json.ts";
import { memberSchema, type Schema } from "../schema/schema.ts";

const EXPECTED: Readonly<Record<string, string>> = {
  array: "list",
  boolean: "boolean",
  integer: "numeric (int or float)",
  number: "numeric (int or float)",
  object: "map",
  string: "string",
};

/** Why a configuration can't be applied under its schema, in the API server's words; undefined when it can. */
export function typeProblem(value: unknown, schema: Schema | undefined, path = ""): string | undefined {
  if (schema === undefined || value === null || value === undefined) return undefined;
  const type = jsonType(value);
  const { type: wanted } = schema;
  const numeric = type === "integer" || type === "number";
  if (wanted !== undefined && EXPECTED[wanted] !== EXPECTED[type]) {
    const got = numeric ? String(value) : EXPECTED[type];
    return `${path}: expected ${EXPECTED[wanted]}, got ${got}`;
  }
  if (Array.isArray(value)) {
    const shape: Shape = { schema, custom: true, field: "" };
    const keys = listKeys(shape, value);
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const problem =
        (keys && keyProblem(item, index, keys, shape, seen, path)) ??
        typeProblem(item, schema.items, `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
  }
  return isObject(value) ? memberProblem(value, schema, path) : undefined;
}

/** Why an item of a set or map list can't be told from the others, `seen`. */
function keyProblem(
  item: unknown,
  index: number,
  keys: readonly string[] | "set",
  shape: Shape,
  seen: Set<string>,
  path: string,
): string | undefined {
  const segment = itemSegment(item, keys, shape);
  if (segment === "k:{}") {
    const names = `[${asArray(keys)
      .map((key) => JSON.stringify(key))
      .join(",")}]`;
    const why = `associative list with keys has an element that omits all key fields ${names}`;
    return `${path}: element ${index}: ${why} (and doesn't have default values for any key fields)`;
  }
  if (seen.has(segment)) return `${path}: duplicate entries for key ${shownPath(segment)}`;
  seen.add(segment);
  return undefined;
}

function memberProblem(value: Record<string, unknown>, schema: Schema, path: string): string | undefined {
  const open = schema["x-kubernetes-preserve-unknown-fields"] || schema.additionalProperties === true;
  for (const [key, member] of Object.entries(value)) {
    if (path === "" && ["apiVersion", "kind", "metadata"].includes(key)) continue;
    const inner = memberSchema(schema, key);
    if (inner === undefined && !open) return `${path}.${key}: field not declared in schema`;
    const problem = typeProblem(member, inner, `${path}.${key}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
