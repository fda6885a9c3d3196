import { parse as parseYaml } from "yaml";
import type { KubeObject } from "../../kube/api.ts";
import type { Core } from "../core.ts";
import { decodeObject, settleObject } from "../decode.ts";
import { type FieldSet, segmentsOf, shownPath } from "../field-set.ts";
import {
  isAtomicMap,
  itemSegment,
  itemShape,
  listKeys,
  memberShape,
  rootShape,
  type Shape,
} from "../field-shape.ts";
import { timestamp } from "../identifiers.ts";
import { asObject, clone, isObject, type JsonObject, setOwn } from "../json.ts";
import {
  appliedFields,
  difference,
  type ManagedEntry,
  ownable,
  readEntries,
  writeEntries,
} from "../managed-fields.ts";
import { apiVersionOf, type Resource } from "../resources/resource.ts";
import { ApiError, badRequest } from "../status.ts";
import type { Change } from "../updates.ts";
import type { WriteContext } from "../write-options.ts";

/** The applied configuration in a body, JSON or YAML. @throws ApiError 400 */
export function parseApply(body: string, resource: Resource, context: WriteContext): KubeObject {
  let parsed: unknown;
  try {
    parsed = parseYaml(body);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
  const sent = asObject(parsed);
  if (sent.apiVersion === undefined || sent.kind === undefined) {
    throw badRequest(`invalid object type: ${sent.apiVersion ?? "/"}, Kind=${sent.kind ?? ""}`);
  }
  if (asObject(sent.metadata).managedFields !== undefined) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const { uid, resourceVersion } = asObject(sent.metadata);
  const decoded = decodeObject(parsed, body, resource);
  // Unknown fields are refused or warned of here; defaults must not become fields that the applier owns.
  settleObject(decoded, resource, context.fieldValidation, context.warnings);
  if (uid === undefined) delete decoded.metadata.uid;
  if (resourceVersion === undefined) delete decoded.metadata.resourceVersion;
  return decoded;
}

/** Server-side apply: merges the configuration and takes, shares, gives up or contests fields. */
export function applyConfiguration(
  core: Core,
  resource: Resource,
  configuration: KubeObject,
  context: WriteContext,
): Pick<Change, "next" | "track"> {
  const config = ownable(configuration, resource, context.subresource);
  const fields = appliedFields(config, resource);
  let entries: ManagedEntry[] = [];
  return {
    next(current) {
      const live = current ?? ({ ...configuration, metadata: { name: context.name } } as KubeObject);
      entries = current === undefined ? [] : readEntries(current);
      const own = entries.find((entry) => isOwn(entry, resource, context));
      const merged = mergeTyped(ownableWithRest(live), config, rootShape(resource), true) as KubeObject;
      const { changed } = difference(
        current === undefined ? {} : ownable(current, resource, context.subresource),
        ownable(merged, resource, context.subresource),
        resource,
      );
      settleConflicts(entries, own, fields.intersection(changed), context.force);
      for (const path of abandoned(entries, own, fields)) removeAt(merged, path, resource);
      const { resourceVersion, uid } = configuration.metadata;
      if (resourceVersion !== undefined) merged.metadata.resourceVersion = resourceVersion;
      if (uid !== undefined) merged.metadata.uid = uid;
      return settleObject(merged, resource);
    },
    track(next, current) {
      const own = entries.find((entry) => isOwn(entry, resource, context));
      const same = own !== undefined && own.fields.symmetricDifference(fields).size === 0;
      const live = current === undefined ? {} : ownable(current, resource, context.subresource);
      const { changed, removed } = difference(live, ownable(next, resource, context.subresource), resource);
      const others = entries.filter((entry) => entry !== own);
      for (const entry of others) entry.fields = entry.fields.difference(removed);
      const quiet = same && changed.size === 0 && removed.size === 0;
      const time = quiet ? own.time : timestamp(core.clock.wallMs());
      writeEntries(next, [...others, ownEntry(resource, context, fields, time)]);
    },
  };
}

function isOwn(entry: ManagedEntry, resource: Resource, { manager, subresource }: WriteContext): boolean {
  return (
    entry.operation === "Apply" &&
    entry.manager === manager &&
    entry.subresource === subresource &&
    entry.apiVersion === apiVersionOf(resource)
  );
}

function ownEntry(
  resource: Resource,
  { manager, subresource }: WriteContext,
  fields: FieldSet,
  time: string,
): ManagedEntry {
  return { manager, operation: "Apply", apiVersion: apiVersionOf(resource), subresource, time, fields };
}

function ownableWithRest(live: KubeObject): JsonObject {
  return clone(live) as unknown as JsonObject;
}

/** Merges an applied value into a live one: maps and keyed lists member by member, everything else as a whole. */
function mergeTyped(live: unknown, applied: unknown, shape: Shape, root = false): unknown {
  if (isObject(applied) && isObject(live) && !isAtomicMap(shape)) {
    const merged: JsonObject = { ...live };
    for (const [key, value] of Object.entries(applied)) {
      const inner = memberShape(shape, key, root);
      setOwn(merged, key, Object.hasOwn(live, key) ? mergeTyped(live[key], value, inner) : clone(value));
    }
    return merged;
  }
  const keys =
    Array.isArray(applied) && Array.isArray(live) ? listKeys(shape, [...applied, ...live]) : undefined;
  if (!Array.isArray(applied) || !Array.isArray(live) || keys === undefined) return clone(applied);
  const merged = new Map(live.map((item) => [itemSegment(item, keys, shape), item as unknown]));
  for (const item of applied) {
    const segment = itemSegment(item, keys, shape);
    merged.set(
      segment,
      merged.has(segment) ? mergeTyped(merged.get(segment), item, itemShape(shape)) : clone(item),
    );
  }
  return [...merged.values()];
}

/** Fields that the applier changes under other managers: taken from them by force, or refused. */
function settleConflicts(
  entries: readonly ManagedEntry[],
  own: ManagedEntry | undefined,
  contested: FieldSet,
  force: boolean,
): void {
  const conflicts = entries
    .filter((entry) => entry !== own)
    .map((entry) => ({ entry, fields: entry.fields.intersection(contested) }))
    .filter(({ fields }) => fields.size > 0);
  if (conflicts.length === 0) return;
  if (!force) throw applyConflict(conflicts);
  for (const { entry, fields } of conflicts) entry.fields = entry.fields.difference(fields);
}

function describeManager({ manager, operation, apiVersion, subresource, time }: ManagedEntry): string {
  const through = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === "Update" ? ` using ${apiVersion}${time === "" ? "" : ` at ${time}`}` : "";
  return `${JSON.stringify(manager)}${through}${using}`;
}

function applyConflict(conflicts: readonly { entry: ManagedEntry; fields: FieldSet }[]): ApiError {
  const causes = conflicts.flatMap(({ entry, fields }) =>
    [...fields].sort().map((path) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${describeManager(entry)}`,
      field: shownPath(path),
    })),
  );
  const said = conflicts.map(({ entry, fields }) => {
    const paths = [...fields].sort().map(shownPath);
    return causes.length === 1
      ? `conflict with ${describeManager(entry)}: ${paths[0]}`
      : `conflicts with ${describeManager(entry)}:\n${paths.map((path) => `- ${path}`).join("\n")}`;
  });
  const count = causes.length === 1 ? "1 conflict" : `${causes.length} conflicts`;
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: `Apply failed with ${count}: ${said.join("\n")}`,
    details: { causes },
  });
}

/** What this manager applied before, doesn't any more, and nobody else owns. */
function abandoned(
  entries: readonly ManagedEntry[],
  own: ManagedEntry | undefined,
  fields: FieldSet,
): string[] {
  if (own === undefined) return [];
  const others = entries.filter((entry) => entry !== own);
  return [...own.fields.difference(fields)].filter(
    (path) => !others.some((entry) => entry.fields.has(path) || hasBelow(entry.fields, path)),
  );
}

function hasBelow(fields: FieldSet, path: string): boolean {
  for (const each of fields) if (each.startsWith(`${path}\u0000`)) return true;
  return false;
}

function removeAt(object: KubeObject, path: string, resource: Resource): void {
  const segments = segmentsOf(path);
  const last = segments.pop() as string;
  let node: unknown = object;
  let shape = rootShape(resource);
  for (const [depth, segment] of segments.entries()) {
    if (segment.startsWith("f:")) {
      const key = segment.slice(2);
      node = asObject(node)[key];
      shape = memberShape(shape, key, depth === 0);
    } else {
      node = findItem(node, segment, shape)?.item;
      shape = itemShape(shape);
    }
  }
  if (last.startsWith("f:")) {
    if (isObject(node)) delete node[last.slice(2)];
    return;
  }
  const found = findItem(node, last, shape);
  if (found !== undefined) (node as unknown[]).splice(found.index, 1);
}

function findItem(
  list: unknown,
  segment: string,
  shape: Shape,
): { item: unknown; index: number } | undefined {
  if (!Array.isArray(list)) return undefined;
  const keys = listKeys(shape, list);
  if (keys === undefined) return undefined;
  const index = list.findIndex((item) => itemSegment(item, keys, shape) === segment);
  return index < 0 ? undefined : { item: list[index], index };
}
