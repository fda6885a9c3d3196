import { childPath, type FieldSet } from "../field-set.ts";
import {
  isAtomicMap,
  isNamedField,
  itemSegment,
  itemShape,
  listKeys,
  memberShape,
  rootShape,
  type Shape,
} from "../field-shape.ts";
import { isObject, type JsonObject, setOwn } from "../json.ts";
import { appliedFields } from "../managed-fields.ts";
import type { Resource } from "../resources/resource.ts";

/**
 * The fields that leave an object when its applier, who owned `last`, applies anew; `managed` is what all managers
 * own afterwards. In the steps of the API server's library, whose results are seldom those of one step: take all
 * that was owned, with the fields around it; put back what has an owner; spare what the applier never owned.
 */
export function abandonedFields(
  merged: JsonObject,
  last: FieldSet,
  managed: FieldSet,
  resource: Resource,
): FieldSet {
  const around = (fields: FieldSet) => withNamedParents(fields, resource);
  const present = (object: JsonObject) => around(appliedFields(object, resource));
  const owned = around(last);
  // It has a name, which an applier always gives.
  owned.delete("f:metadata");
  const all = present(merged);
  const spared = present(withoutFields(merged, owned, resource));
  const pruned = withoutFields(merged, all.difference(spared.union(around(managed))), resource);
  return all.difference(present(pruned)).intersection(owned);
}

/** A map or list whose last member goes becomes null, which a custom resource's schema may refuse. */
export function withoutFields<T extends JsonObject>(object: T, fields: FieldSet, resource: Resource): T {
  const parents = new Set<string>();
  for (const path of fields) for (const parent of parentsOf(path)) parents.add(parent);
  const member = (value: unknown, path: string, shape: Shape) =>
    parents.has(path) ? visit(value, path, shape) : value;
  const visit = (node: unknown, path: string, shape: Shape): unknown => {
    if (isObject(node) && !isAtomicMap(shape)) {
      const left: JsonObject = {};
      for (const [key, value] of Object.entries(node)) {
        const inner = childPath(path, `f:${key}`);
        if (fields.has(inner)) continue;
        setOwn(left, key, member(value, inner, memberShape(shape, key, path === "")));
      }
      return Object.keys(left).length > 0 || path === "" ? left : null;
    }
    const keys = Array.isArray(node) ? listKeys(shape, node) : undefined;
    if (!Array.isArray(node) || keys === undefined) return node;
    const left = node
      .map((item) => ({ item, inner: childPath(path, itemSegment(item, keys, shape)) }))
      .filter(({ inner }) => !fields.has(inner))
      .map(({ item, inner }) => member(item, inner, itemShape(shape)));
    return left.length > 0 ? left : null;
  };
  return visit(object, "", rootShape(resource)) as T;
}

/** With the fields of structs that lead to the set's members; keys of maps and items of lists stand for themselves. */
function withNamedParents(fields: FieldSet, resource: Resource): FieldSet {
  const all = new Set(fields);
  const seen = new Set<string>();
  for (const path of fields) {
    let shape = rootShape(resource);
    let depth = 0;
    for (const parent of parentsOf(path)) {
      const segment = parent.slice(parent.lastIndexOf("\u0000") + 1);
      const key = segment.startsWith("f:") ? segment.slice(2) : undefined;
      if (!seen.has(parent) && key !== undefined && isNamedField(shape, key, depth === 0)) all.add(parent);
      seen.add(parent);
      shape = key === undefined ? itemShape(shape) : memberShape(shape, key, depth === 0);
      depth++;
    }
  }
  return all;
}

/** The paths above a path, the outermost first. */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let end = path.indexOf("\u0000"); end >= 0; end = path.indexOf("\u0000", end + 1)) {
    parents.push(path.slice(0, end));
  }
  return parents;
}
