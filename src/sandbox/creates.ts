import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { decodeObject, parseBody, settleObject } from "./decode.ts";
import { generatedName, randomUid, timestamp } from "./identifiers.ts";
import { trackUpdate } from "./managed-fields.ts";
import { validateMetadata } from "./metadata.ts";
import { requireNamespace } from "./namespaces.ts";
import { inVersion } from "./reads.ts";
import type { ApiRequest } from "./request.ts";
import type { Resource } from "./resources/resource.ts";
import { validateRulesAfter } from "./schema/rules.ts";
import { validateSchema } from "./schema/validate.ts";
import {
  ApiError,
  alreadyExists,
  badRequest,
  type FieldError,
  invalid,
  invalidValue,
  qualified,
} from "./status.ts";
import { storageKey } from "./store.ts";
import type { WriteContext } from "./write-options.ts";

/** POST of an object. */
export async function createFromBody(
  core: Core,
  resource: Resource,
  request: ApiRequest,
  context: WriteContext,
): Promise<KubeObject> {
  const body = request.body ?? "";
  const parsed = parseBody(body, request.contentType, resource.kind);
  const decoded = decodeObject(parsed, body, resource, context.warnings);
  const object = settleObject(decoded, resource, context);
  return createObject(core, resource, object, context);
}

/** Where the object's namespace and the URL's must agree. @throws ApiError 400 */
export function adoptNamespace(object: KubeObject, resource: Resource, namespace: string | undefined): void {
  if (!resource.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  if (namespace === undefined) throw badRequest("an empty namespace may not be set during creation");
  object.metadata.namespace ??= namespace;
  if (object.metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

/** Creates a decoded object: POST, and PUT or apply of one that wasn't there. */
export async function createObject(
  core: Core,
  resource: Resource,
  object: KubeObject,
  context: WriteContext,
  track: (object: KubeObject) => void = (created) =>
    trackUpdate(created, undefined, resource, { ...context, time: timestamp(core.clock.wallMs()) }),
): Promise<KubeObject> {
  adoptNamespace(object, resource, context.namespace);
  fillSystemMetadata(core, object);
  track(object);
  requireNamespace(core, resource, object);
  const attributes = {
    resource,
    subresource: "",
    operation: "CREATE" as const,
    namespace: context.namespace,
    name: object.metadata.name ?? "",
    oldObject: undefined,
    user: context.user,
    dryRun: context.dryRun,
    options: context.options,
    warnings: context.warnings,
    annotations: context.annotations,
  };
  const mutated = await core.admission.mutate({ ...attributes, object }, (next) =>
    settleObject(next, resource),
  );
  const sentVersion = mutated.metadata.resourceVersion;
  beforeCreate(resource, mutated);
  const errors = validateObject(resource, mutated, undefined);
  if (errors.length > 0)
    throw invalid({ ...resource, kind: mutated.kind as string }, mutated.metadata.name ?? "", errors);
  await core.admission.validate({ ...attributes, object: mutated });
  if (sentVersion !== undefined) {
    throw new ApiError({ code: 500, message: "resourceVersion should not be set on objects to be created" });
  }
  return insert(core, resource, mutated, context.dryRun);
}

function fillSystemMetadata(core: Core, object: KubeObject): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  metadata.uid = randomUid(core.random);
  metadata.creationTimestamp = timestamp(core.clock.wallMs());
  if (!metadata.name && metadata.generateName) {
    metadata.name = generatedName(metadata.generateName, core.random);
  }
}

function beforeCreate(resource: Resource, object: KubeObject): void {
  delete object.metadata.resourceVersion;
  delete object.metadata.generation;
  if (resource.generation) object.metadata.generation = 1;
  if (resource.subresources.includes("status")) {
    delete object.status;
    resource.applyDefaults?.(object);
  }
}

function insert(core: Core, resource: Resource, object: KubeObject, dryRun: boolean): KubeObject {
  const { name, namespace } = object.metadata;
  const key = storageKey({ name, namespace });
  const storage = qualified(resource);
  const existing = core.store.get(storage, key);
  if (existing !== undefined) {
    throw alreadyExists(resource, name, existing.metadata.deletionTimestamp !== undefined);
  }
  if (dryRun) return object;
  const stored = core.store.put(storage, key, { ...object, apiVersion: resource.storageVersion }, undefined);
  return inVersion(resource, stored as KubeObject);
}

/** All validation of an object that is about to be stored; of its status alone where that is what is written. */
export function validateObject(
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource = "",
): FieldError[] {
  const errors = validateMetadata(object.metadata, resource.nameRule);
  if (object.kind !== resource.kind) {
    return [...errors, invalidValue("kind", object.kind, `must be ${resource.kind}`)];
  }
  const { schema } = resource;
  if (resource.custom && schema !== undefined) {
    const part = subresource === "status" ? "status" : undefined;
    const structural = validateSchema(object, schema, part);
    errors.push(...structural, ...validateRulesAfter(structural, object, old, schema));
  }
  errors.push(...(resource.validate?.(object, old) ?? []));
  return errors;
}
