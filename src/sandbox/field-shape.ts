import { isObject, type JsonObject } from "./json.ts";
import type { Resource } from "./resources/resource.ts";
import { memberSchema, type Schema } from "./schema/schema.ts";

/** How a place in an object is merged and owned. */
export interface Shape {
  readonly schema: Schema | undefined;
  readonly custom: boolean;
  /** The name of the field that led here; empty at the root and in list items. */
  readonly field: string;
}

/** Keys of lists in built-in kinds that are merged item by item. Source: the types' listMapKey markers. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  conditions: ["type"],
  containers: ["name"],
  env: ["name"],
  ephemeralContainers: ["name"],
  imagePullSecrets: ["name"],
  initContainers: ["name"],
  matchConditions: ["name"],
  ownerReferences: ["uid"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  volumeMounts: ["mountPath"],
  volumes: ["name"],
  webhooks: ["name"],
};
/** Ports of containers and of services have different keys. */
const PORT_KEYS = [
  ["containerPort", "protocol"],
  ["port", "protocol"],
] as const;

/** Maps of built-in kinds that have one owner. Source: the types' structType and mapType markers. */
const ATOMIC = [
  "selector",
  "namespaceSelector",
  "objectSelector",
  "podSelector",
  "nodeSelector",
  "involvedObject",
  "related",
  "roleRef",
];

export function rootShape(resource: Resource): Shape {
  return { schema: resource.schema, custom: resource.custom, field: "" };
}

/** Metadata is typed in every kind, whatever the kind's schema. */
export function memberShape(shape: Shape, key: string, root = false): Shape {
  if (root && key === "metadata") return { schema: undefined, custom: false, field: "" };
  return { schema: memberSchema(shape.schema, key), custom: shape.custom, field: key };
}

/** Fields of built-in kinds whose members are keys of a map and not fields of a struct. */
const MAPS = [
  "annotations",
  "binaryData",
  "data",
  "labels",
  "limits",
  "matchLabels",
  "nodeSelector",
  "requests",
  "stringData",
];

/** Whether a member is a field that its kind declares, rather than a key of a map. */
export function isNamedField(shape: Shape, key: string, root = false): boolean {
  if (root && key === "metadata") return true;
  if (!shape.custom) return !MAPS.includes(shape.field);
  return Object.hasOwn(shape.schema?.properties ?? {}, key);
}

export function itemShape(shape: Shape): Shape {
  return { schema: shape.schema?.items, custom: shape.custom, field: "" };
}

export function isAtomicMap({ schema, custom, field }: Shape): boolean {
  if (schema?.["x-kubernetes-map-type"] === "atomic") return true;
  return !custom && ATOMIC.includes(field);
}

/** The keys of a map list, "set", or undefined for a list that has one owner. */
export function listKeys(shape: Shape, items: readonly unknown[]): readonly string[] | "set" | undefined {
  const type = shape.schema?.["x-kubernetes-list-type"];
  if (type === "set") return "set";
  if (type === "map") return shape.schema?.["x-kubernetes-list-map-keys"];
  if (type === "atomic" || shape.custom) return undefined;
  if (shape.field === "finalizers") return "set";
  if (shape.field === "ports") {
    return PORT_KEYS.find(([key]) => items.every((item) => isObject(item) && Object.hasOwn(item, key)));
  }
  return LIST_KEYS[shape.field];
}

/** The FieldsV1 segment of a list item. */
export function itemSegment(item: unknown, keys: readonly string[] | "set", shape: Shape): string {
  if (keys === "set") return `v:${JSON.stringify(item)}`;
  const values: JsonObject = {};
  for (const key of [...keys].sort()) {
    const value = isObject(item) ? item[key] : undefined;
    const standing =
      value ?? shape.schema?.items?.properties?.[key]?.default ?? (key === "protocol" ? "TCP" : undefined);
    if (standing !== undefined) values[key] = standing;
  }
  return `k:${JSON.stringify(values)}`;
}

/** Fields of built-in kinds that are structs and hence always there: they are nobody's. */
const ALWAYS_THERE = ["spec", "status", "template", "names", "strategy"];

export function isAlwaysThere({ custom, field }: Shape): boolean {
  return !custom && ALWAYS_THERE.includes(field);
}
