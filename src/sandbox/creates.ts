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
import { validateRules } from "./schema/rules.ts";
import { RULES_NOT_CHECKED, validateSchema } from "./schema/validate.ts";
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
  const decoded = decodeObject(parseBody(body, request.contentType, resource.kind), body, resource);
  const object = settleObject(decoded, resource, context.fieldValidation, context.warnings);
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
  const key = storageKey({ name, ...(namespace === undefined ? {} : { namespace }) });
  const storage = qualified(resource);
  if (core.store.get(storage, key) !== undefined) throw alreadyExists(resource, name);
  if (dryRun) return object;
  const stored = core.store.put(storage, key, { ...object, apiVersion: resource.storageVersion }, undefined);
  return inVersion(resource, stored as KubeObject);
}

/** All validation of an object that is about to be stored. */
export function validateObject(
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
): FieldError[] {
  const errors = validateMetadata(object.metadata, resource.nameRule);
  if (object.kind !== resource.kind) {
    errors.push(invalidValue("kind", object.kind, `must be ${resource.kind}`));
    return errors;
  }
  if (resource.custom && resource.schema !== undefined) {
    const structural = validateSchema(object, resource.schema);
    errors.push(...structural);
    if (structural.length > 0) errors.push(RULES_NOT_CHECKED);
    else errors.push(...validateRules(object, old, resource.schema));
  }
  errors.push(...(resource.validate?.(object, old) ?? []));
  return errors;
}
