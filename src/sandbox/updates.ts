import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { adoptNamespace, createObject, validateObject } from "./creates.ts";
import { decodeObject, parseBody, settleObject } from "./decode.ts";
import { timestamp } from "./identifiers.ts";
import { clone, equal, type JsonObject } from "./json.ts";
import { trackUpdate } from "./managed-fields.ts";
import { validateMetadataUpdate } from "./metadata.ts";
import { NAMESPACE_STORAGE } from "./namespaces.ts";
import { inVersion } from "./reads.ts";
import type { ApiRequest } from "./request.ts";
import type { Resource } from "./resources/resource.ts";
import {
  ApiError,
  badRequest,
  conflict,
  invalid,
  invalidValue,
  MODIFIED_MEANWHILE,
  notFound,
  qualified,
} from "./status.ts";
import { storageKey } from "./store.ts";
import type { WriteContext } from "./write-options.ts";

/** How a write makes the next object out of the present one; undefined: there is none yet. */
export interface Change {
  /** Decoded and settled, managed fields not yet seen to. @throws ApiError */
  next(current: KubeObject | undefined): KubeObject;
  /** Brings managedFields up to date on `next`, in place. */
  track(next: KubeObject, current: KubeObject | undefined): void;
  /** Whether the write may create the object. */
  readonly creates: boolean;
}

export interface Written {
  readonly object: KubeObject;
  readonly created: boolean;
}

export function trackerFor(core: Core, resource: Resource, context: WriteContext): Change["track"] {
  return (next, current) =>
    trackUpdate(next, current, resource, { ...context, time: timestamp(core.clock.wallMs()) });
}

/** PUT of an object or its status. */
export async function replaceFromBody(
  core: Core,
  resource: Resource,
  request: ApiRequest,
  context: WriteContext,
): Promise<Written> {
  const body = request.body ?? "";
  const parsed = parseBody(body, request.contentType, resource.kind);
  const decoded = decodeObject(parsed, body, resource, context.warnings);
  const object = settleObject(decoded, resource, context);
  const { uid } = object.metadata;
  return changeObject(core, resource, context, {
    creates: resource.createOnUpdate && context.subresource === "",
    next(current) {
      // A named uid is a precondition, also where the write would create what is gone.
      if (uid !== undefined && uid !== current?.metadata.uid) {
        throw uidConflict(resource, context, uid, current?.metadata.uid ?? "");
      }
      return clone(object);
    },
    track: trackerFor(core, resource, context),
  });
}

function uidConflict(resource: Resource, context: WriteContext, asked: string, found: string): ApiError {
  const key = [
    "/registry",
    resource.custom ? resource.group : "",
    resource.plural,
    context.namespace,
    context.name,
  ]
    .filter(Boolean)
    .join("/");
  const why =
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
    `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`;
  return conflict(resource, context.name, why);
}

/** Reads, changes, admits, validates and stores; starts again when the object changed meanwhile. */
export async function changeObject(
  core: Core,
  resource: Resource,
  context: WriteContext,
  change: Change,
): Promise<Written> {
  const storage = qualified(resource);
  const { namespace, name } = context;
  const key = storageKey({ name, namespace });
  for (;;) {
    const current = core.store.get(storage, key);
    if (current === undefined) return create(core, resource, context, change);
    const shown = inVersion(resource, current);
    const next = await prepare(core, resource, context, change, shown);
    const unchanged = equal(withoutVersion(next), withoutVersion(shown));
    if (core.store.get(storage, key) !== current) continue;
    if (unchanged) return { object: shown, created: false };
    if (isFinished(next)) {
      if (!context.dryRun) core.store.remove(storage, key, current);
      return { object: next, created: false };
    }
    if (context.dryRun) return { object: next, created: false };
    const stored = core.store.put(storage, key, { ...next, apiVersion: resource.storageVersion }, current);
    return { object: inVersion(resource, stored as KubeObject), created: false };
  }
}

/** The last finalizer of a deleted object is gone: this write removes it. */
function isFinished({ metadata, kind, spec }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
  return (
    kind !== "Namespace" ||
    ((spec as JsonObject | undefined)?.finalizers as unknown[] | undefined)?.length === 0
  );
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata } as KubeObject;
}

async function create(
  core: Core,
  resource: Resource,
  context: WriteContext,
  change: Change,
): Promise<Written> {
  if (!change.creates) throw notFound(resource, context.name);
  const object = change.next(undefined);
  checkNames(resource, object, context);
  delete object.metadata.resourceVersion;
  const { force: _force, ...asked } = context.options;
  const options = { ...asked, kind: "CreateOptions" };
  const created = await createObject(core, resource, object, { ...context, options }, (next) =>
    change.track(next, undefined),
  );
  return { object: created, created: true };
}

async function prepare(
  core: Core,
  resource: Resource,
  context: WriteContext,
  change: Change,
  current: KubeObject,
): Promise<KubeObject> {
  let next = change.next(current);
  checkNames(resource, next, context);
  keepSystemMetadata(next, current);
  keepOtherHalf(resource, next, current, context.subresource);
  change.track(next, current);
  const attributes = {
    resource,
    subresource: context.subresource,
    operation: "UPDATE" as const,
    namespace: context.namespace,
    name: context.name,
    oldObject: current,
    user: context.user,
    dryRun: context.dryRun,
    options: updateOptions(context.options),
    warnings: context.warnings,
    annotations: context.annotations,
  };
  next = await core.admission.mutate({ ...attributes, object: next }, (object) =>
    settleObject(object, resource),
  );
  checkVersion(resource, next, current, context);
  keepOtherHalf(resource, next, current, context.subresource);
  countGeneration(resource, next, current);
  const unchangeable = validateMetadataUpdate(next, current);
  // The API server checks metadata twice and says so twice.
  unchangeable.push(...unchangeable);
  const errors = [...unchangeable, ...validateObject(resource, next, current, context.subresource)];
  if (errors.length > 0) throw invalid({ ...resource, kind: String(next.kind) }, context.name, errors);
  await core.admission.validate({ ...attributes, object: next });
  return next;
}

/** Patches are reviewed as updates. */
function updateOptions({ force: _force, ...options }: JsonObject): JsonObject {
  return { ...options, kind: "UpdateOptions" };
}

function checkNames(resource: Resource, object: KubeObject, { name, namespace }: WriteContext): void {
  if (!object.metadata.name) {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (object.metadata.name !== name) {
    throw badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  adoptNamespace(object, resource, namespace);
}

function checkVersion(
  resource: Resource,
  next: KubeObject,
  current: KubeObject,
  context: WriteContext,
): void {
  const { resourceVersion } = next.metadata;
  if (resourceVersion === undefined || resourceVersion === "0") {
    if (resource.unconditionalUpdate) return;
    const why = "must be specified for an update";
    throw invalid({ group: resource.group, kind: resource.plural }, context.name, [
      invalidValue("metadata.resourceVersion", 0, why),
    ]);
  }
  if (!/^\d+$/.test(resourceVersion)) {
    const message = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
    throw new ApiError({ code: 500, message });
  }
  if (resourceVersion !== current.metadata.resourceVersion) {
    throw conflict(resource, context.name, MODIFIED_MEANWHILE);
  }
}

/** What clients may leave out but not change. */
function keepSystemMetadata(next: KubeObject, current: KubeObject): void {
  const { metadata } = next;
  const old = current.metadata;
  if (old.uid !== undefined) metadata.uid ??= old.uid;
  delete metadata.generation;
  delete metadata.creationTimestamp;
  for (const field of [
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
  ] as const) {
    if (metadata[field] === undefined && old[field] !== undefined)
      Object.assign(metadata, { [field]: old[field] });
  }
}

/** A write of the object leaves its status alone; a write of the status leaves all else alone. */
function keepOtherHalf(resource: Resource, next: KubeObject, current: KubeObject, subresource: string): void {
  // Its finalizers, which are all of its spec, have a door of their own.
  if (qualified(resource) === NAMESPACE_STORAGE && subresource === "") next.spec = clone(current.spec);
  if (subresource === "status") {
    const { resourceVersion, managedFields } = next.metadata;
    for (const field of Object.keys(next)) if (field !== "status") delete next[field];
    const { status: _status, ...rest } = clone(current);
    Object.assign(next, rest);
    if (resourceVersion === undefined) delete next.metadata.resourceVersion;
    else next.metadata.resourceVersion = resourceVersion;
    if (managedFields === undefined) delete next.metadata.managedFields;
    else next.metadata.managedFields = managedFields;
  } else if (resource.subresources.includes("status") && resource.kind !== "Pod") {
    if (current.status === undefined) delete next.status;
    else next.status = clone(current.status);
  }
}

/** Generation counts changes outside metadata, and outside status where that is written by itself. */
function countGeneration(resource: Resource, next: KubeObject, current: KubeObject): void {
  if (!resource.generation) return;
  const withStatus = !resource.subresources.includes("status");
  const intent = ({ metadata: _metadata, status, ...rest }: KubeObject) =>
    withStatus ? { ...rest, status } : rest;
  const generation = current.metadata.generation ?? 0;
  next.metadata.generation = equal(intent(next), intent(current)) ? generation : generation + 1;
}
