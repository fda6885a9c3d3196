import { parse as parseYaml } from "yaml";
import type { KubeObject } from "../../kube/api.ts";
import type { Core } from "../core.ts";
import { decodeObject, settleObject } from "../decode.ts";
import { type FieldSet, shownPath } from "../field-set.ts";
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
import { ApiError, badRequest, conflict } from "../status.ts";
import type { Change } from "../updates.ts";
import type { WriteContext } from "../write-options.ts";
import { abandonedFields, withoutFields } from "./abandoned.ts";
import { typeProblem } from "./typed.ts";

/** The applied configuration in a body, JSON or YAML. @throws ApiError 400 */
export function parseApply(body: string, resource: Resource, context: WriteContext): KubeObject {
  let parsed: unknown;
  try {
    parsed = parseYaml(body);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
  const sent = asObject(parsed);
  const { apiVersion, kind } = sent;
  if (apiVersion !== apiVersionOf(resource) || kind !== resource.kind) {
    const version = apiVersion === undefined ? "/" : String(apiVersion);
    throw badRequest(`invalid object type: ${version}, Kind=${kind ?? ""}`);
  }
  const { name, managedFields } = asObject(sent.metadata);
  if (managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  if (name !== undefined && name !== context.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${context.name})`);
  }
  const problem = typeProblem(sent, resource.schema);
  if (problem !== undefined) {
    const subject = `${asObject(sent.metadata).namespace ?? ""}/${name ?? ""}; ${apiVersion}, Kind=${kind}`;
    throw new ApiError({
      code: 500,
      message: `failed to create typed patch object (${subject}): ${problem}`,
    });
  }
  return decodeObject(parsed, body, resource);
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
      const asked = configuration.metadata.uid;
      if (current === undefined && asked !== undefined) {
        const why = `uid mismatch: the provided object specified uid ${asked}, and no existing object was found`;
        throw conflict(resource, context.name, why);
      }
      const live = current ?? ({ ...configuration, metadata: { name: context.name } } as KubeObject);
      entries = current === undefined ? [] : readEntries(current);
      const own = entries.find((entry) => isOwn(entry, resource, context));
      const merged = mergeTyped(clone(live), config, rootShape(resource), true) as KubeObject;
      const { changed } = difference(
        current === undefined ? {} : ownable(current, resource, context.subresource),
        ownable(merged, resource, context.subresource),
        resource,
      );
      settleConflicts(entries, own, fields.intersection(changed), context.force);
      const managed = entries.reduce((all, entry) => (entry === own ? all : all.union(entry.fields)), fields);
      const owned = own?.fields ?? new Set<string>();
      const gone = abandonedFields(ownable(merged, resource, context.subresource), owned, managed, resource);
      const next = withoutFields(merged, gone, resource);
      const { resourceVersion, uid } = configuration.metadata;
      if (resourceVersion !== undefined) next.metadata.resourceVersion = resourceVersion;
      if (uid !== undefined) next.metadata.uid = uid;
      return settleObject(next, resource, { keepNulls: true });
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

function describeManager({ manager, operation, apiVersion, subresource }: ManagedEntry): string {
  const through = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === "Update" ? ` using ${apiVersion}` : "";
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
