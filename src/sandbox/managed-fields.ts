import type { KubeObject } from "../kube/api.ts";
import { childPath, type FieldSet, fromFieldsV1, toFieldsV1 } from "./field-set.ts";
import {
  isAlwaysThere,
  isAtomicMap,
  isNamedField,
  itemSegment,
  itemShape,
  listKeys,
  memberShape,
  rootShape,
  type Shape,
} from "./field-shape.ts";
import { asArray, asObject, equal, isObject, type JsonObject } from "./json.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";

/** One manager's share of an object: metav1.ManagedFieldsEntry. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  time: string;
  fields: FieldSet;
}

/** The writer of a change. */
export interface Writer {
  readonly manager: string;
  readonly subresource: string;
  /** metav1.Time of the write. */
  readonly time: string;
}

/** Fields that belong to the server. */
const UNMANAGED = [
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
];

/** The part of an object that can have owners. */
export function ownable(object: KubeObject, resource: Resource, subresource: string): JsonObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, status, ...rest } = object;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !UNMANAGED.includes(key)));
  const own: JsonObject = { ...rest };
  if (Object.keys(kept).length > 0) own.metadata = kept;
  if (status !== undefined && (subresource === "status" || !resource.subresources.includes("status"))) {
    own.status = status;
  }
  return own;
}

/** Every place in a value, inner ones included: what an update that adds the value comes to own. */
function allFields(value: unknown, path: string, shape: Shape, fields: FieldSet): void {
  if (path !== "" && !isAlwaysThere(shape)) fields.add(path);
  if (isObject(value) && !isAtomicMap(shape)) {
    for (const [key, member] of Object.entries(value)) {
      allFields(member, childPath(path, `f:${key}`), memberShape(shape, key), fields);
    }
  }
  if (!Array.isArray(value)) return;
  const keys = listKeys(shape, value);
  if (keys === undefined) return;
  for (const item of value)
    allFields(item, childPath(path, itemSegment(item, keys, shape)), itemShape(shape), fields);
}

/** The leaves of a value, with the items of lists and the keys of maps: what an applied configuration owns. */
export function appliedFields(value: JsonObject, resource: Resource): FieldSet {
  const fields: FieldSet = new Set();
  const visit = (node: unknown, path: string, shape: Shape) => {
    const keys = Array.isArray(node) ? listKeys(shape, node) : undefined;
    if (isObject(node) && !isAtomicMap(shape) && (Object.keys(node).length > 0 || path === "")) {
      for (const [key, member] of Object.entries(node)) {
        const inner = childPath(path, `f:${key}`);
        if (!isNamedField(shape, key, path === "")) fields.add(inner);
        visit(member, inner, memberShape(shape, key, path === ""));
      }
    } else if (Array.isArray(node) && keys !== undefined && node.length > 0) {
      for (const item of node) {
        const itemPath = childPath(path, itemSegment(item, keys, shape));
        fields.add(itemPath);
        visit(item, itemPath, itemShape(shape));
      }
    } else fields.add(path);
  };
  visit(value, "", rootShape(resource));
  return fields;
}

export interface Difference {
  /** Added or with another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** What differs between the ownable parts of two versions of an object. */
export function difference(old: JsonObject, next: JsonObject, resource: Resource): Difference {
  const changed: FieldSet = new Set();
  const removed: FieldSet = new Set();
  const visit = (before: unknown, after: unknown, path: string, shape: Shape) => {
    if (equal(before, after)) return;
    if (before === undefined && !isContainer(shape, path)) return allFields(after, path, shape, changed);
    if (after === undefined && !isContainer(shape, path)) return allFields(before, path, shape, removed);
    const keys =
      Array.isArray(before) && Array.isArray(after) ? listKeys(shape, [...before, ...after]) : undefined;
    if (keys !== undefined) return visitItems(asArray(before), asArray(after), keys, path, shape);
    if (isMapLike(before) && isMapLike(after) && !isAtomicMap(shape)) {
      const [left, right] = [asObject(before), asObject(after)];
      for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
        visit(left[key], right[key], childPath(path, `f:${key}`), memberShape(shape, key, path === ""));
      }
    } else changed.add(path);
  };
  const visitItems = (
    before: readonly unknown[],
    after: readonly unknown[],
    keys: readonly string[] | "set",
    path: string,
    shape: Shape,
  ) => {
    const index = (items: readonly unknown[]) =>
      new Map(items.map((item) => [itemSegment(item, keys, shape), item] as const));
    const [left, right] = [index(before), index(after)];
    for (const segment of new Set([...left.keys(), ...right.keys()])) {
      visit(left.get(segment), right.get(segment), childPath(path, segment), itemShape(shape));
    }
  };
  visit(old, next, "", rootShape(resource));
  return { changed, removed };
}

/** Places that exist in every object and so are never added or removed as a whole. */
function isContainer(shape: Shape, path: string): boolean {
  return path === "" || path === "f:metadata" || isAlwaysThere(shape);
}

function isMapLike(value: unknown): boolean {
  return value === undefined || isObject(value);
}

export function readEntries(object: KubeObject | undefined): ManagedEntry[] {
  return asArray(object?.metadata.managedFields)
    .map(asObject)
    .filter((entry) => entry.manager !== undefined)
    .map((entry) => ({
      manager: String(entry.manager),
      operation: entry.operation === "Apply" ? "Apply" : "Update",
      apiVersion: String(entry.apiVersion),
      subresource: String(entry.subresource ?? ""),
      time: String(entry.time ?? ""),
      fields: fromFieldsV1(entry.fieldsV1),
    }));
}

/** Writes the entries that still own something, in the API server's order. */
export function writeEntries(object: KubeObject, entries: readonly ManagedEntry[]): void {
  const kept = entries.filter((entry) => entry.fields.size > 0).sort(compareEntries);
  delete object.metadata.managedFields;
  if (kept.length === 0) return;
  object.metadata.managedFields = kept.map((entry) => ({
    manager: entry.manager,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    time: entry.time,
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(entry.fields),
    ...(entry.subresource === "" ? {} : { subresource: entry.subresource }),
  }));
}

function compareEntries(a: ManagedEntry, b: ManagedEntry): number {
  const key = ({ operation, time, manager, subresource }: ManagedEntry) =>
    [operation, time, manager, subresource].join("\u0000");
  return key(a) < key(b) ? -1 : 1;
}

/** Brings managedFields of `next` up to date after a create, update or patch by `writer`. */
export function trackUpdate(
  next: KubeObject,
  current: KubeObject | undefined,
  resource: Resource,
  writer: Writer,
): void {
  const old = current === undefined ? {} : ownable(current, resource, writer.subresource);
  const { changed, removed } = difference(old, ownable(next, resource, writer.subresource), resource);
  const entries = isReset(next) ? [] : readEntries(current);
  const apiVersion = apiVersionOf(resource);
  const isOwn = (entry: ManagedEntry) =>
    entry.operation === "Update" &&
    entry.manager === writer.manager &&
    entry.subresource === writer.subresource &&
    entry.apiVersion === apiVersion;
  let own = entries.find(isOwn);
  for (const entry of entries) {
    if (entry !== own) entry.fields = entry.fields.difference(changed);
    entry.fields = entry.fields.difference(removed);
  }
  if (own === undefined && changed.size > 0) {
    const { manager, subresource, time } = writer;
    own = { manager, operation: "Update", apiVersion, subresource, time, fields: new Set() };
    entries.push(own);
  }
  if (own !== undefined && (changed.size > 0 || removed.size > 0)) {
    own.fields = own.fields.union(changed);
    own.time = writer.time;
  }
  writeEntries(next, entries);
}

/** `managedFields: [{}]` asks to forget who owned what. */
function isReset(object: KubeObject): boolean {
  const sent = object.metadata.managedFields;
  return sent?.length === 1 && Object.keys(asObject(sent[0])).length === 0;
}
