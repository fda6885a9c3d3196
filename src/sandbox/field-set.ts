import { isObject, type JsonObject, setOwn } from "./json.ts";

/**
 * A set of fields of an object, each as its path in FieldsV1 notation: `f:NAME` for a field, `k:{...}` for an
 * item of a map list by its keys, `v:VALUE` for an item of a set. Joined by NUL, which no name contains.
 */
export type FieldSet = Set<string>;

const SEPARATOR = "\u0000";

export function childPath(path: string, segment: string): string {
  return path === "" ? segment : path + SEPARATOR + segment;
}

export function segmentsOf(path: string): string[] {
  return path.split(SEPARATOR);
}

/** `.spec.ports[name="a"].port`: how conflicts name a field. */
export function shownPath(path: string): string {
  return segmentsOf(path)
    .map((segment) => {
      const rest = segment.slice(2);
      if (segment.startsWith("f:")) return `.${rest}`;
      if (segment.startsWith("v:")) return `[=${rest}]`;
      const keys = JSON.parse(rest) as JsonObject;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(",")}]`;
    })
    .join("");
}

/** FieldsV1 as managedFields carries it. */
export function toFieldsV1(fields: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of [...fields].sort()) {
    let node = root;
    for (const segment of segmentsOf(path)) {
      if (!isObject(node[segment])) setOwn(node, segment, {});
      node = node[segment] as JsonObject;
    }
    // A mark now; those without children lose it below: a leaf needs none.
    node["."] = {};
  }
  return withoutLeafMarks(root);
}

function withoutLeafMarks(node: JsonObject): JsonObject {
  const keys = Object.keys(node);
  if (keys.length === 1 && keys[0] === ".") return {};
  return Object.fromEntries(
    keys.sort().map((key) => [key, key === "." ? {} : withoutLeafMarks(node[key] as JsonObject)]),
  );
}

export function fromFieldsV1(fieldsV1: unknown): FieldSet {
  const fields: FieldSet = new Set();
  const visit = (node: unknown, path: string) => {
    if (!isObject(node)) return;
    const keys = Object.keys(node);
    if (path !== "" && (keys.length === 0 || keys.includes("."))) fields.add(path);
    for (const key of keys) if (key !== ".") visit(node[key], childPath(path, key));
  };
  visit(fieldsV1, "");
  return fields;
}
