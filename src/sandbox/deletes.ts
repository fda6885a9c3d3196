import type { KubeObject } from "../kube/api.ts";
import type { Remarks } from "./audit.ts";
import type { UserInfo } from "./auth/user.ts";
import type { Core } from "./core.ts";
import { parseBody } from "./decode.ts";
import { asObject, clone, isObject, type JsonObject, jsonType } from "./json.ts";
import { integerQuery } from "./list-options.ts";
import { markedForDeletion, NAMESPACE_STORAGE, refuseImmortal } from "./namespaces.ts";
import { inVersion, json, listItems, selectorsOf } from "./reads.ts";
import type { ApiRequest, ApiResponse, RequestInfo } from "./request.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import {
  badRequest,
  conflict,
  type FieldError,
  invalid,
  invalidValue,
  notFound,
  notSupported,
  qualified,
} from "./status.ts";
import { storageKey } from "./store.ts";

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly propagationPolicy: string | undefined;
  /** As admission reviews carry them. */
  readonly raw: JsonObject;
}

const POLICIES = ["Foreground", "Background", "Orphan"];

/** Options come in the body or in the query. @throws ApiError 400 or 422 */
function readOptions(request: ApiRequest, { query }: RequestInfo): DeleteOptions {
  const body = request.body ? parseBody(request.body, request.contentType, "DeleteOptions") : {};
  if (!isObject(body))
    throw badRequest("the object provided is unrecognized (must be of type DeleteOptions)");
  checkBody(body);
  integerQuery(query, "gracePeriodSeconds");
  const preconditions = asObject(body.preconditions);
  const asked = Array.isArray(body.dryRun) ? body.dryRun : query.getAll("dryRun");
  const dryRun = asked.filter((each) => each !== "");
  const errors: FieldError[] = [];
  if (dryRun.some((each) => each !== "All")) errors.push(notSupported("dryRun", dryRun, ["All"]));
  const named = body.propagationPolicy ?? query.get("propagationPolicy") ?? undefined;
  const orphans = body.orphanDependents ?? query.get("orphanDependents") ?? undefined;
  if (named !== undefined && orphans !== undefined) {
    const why = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(invalidValue("propagationPolicy", named, why));
  } else if (named !== undefined && !POLICIES.includes(String(named))) {
    errors.push(notSupported("propagationPolicy", named, [...POLICIES, "nil"]));
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  // The old word for the same.
  const propagationPolicy = named ?? (String(orphans) === "true" ? "Orphan" : undefined);
  return {
    dryRun: dryRun.length > 0,
    uid: preconditions.uid === undefined ? undefined : String(preconditions.uid),
    resourceVersion:
      preconditions.resourceVersion === undefined ? undefined : String(preconditions.resourceVersion),
    propagationPolicy: propagationPolicy === undefined ? undefined : String(propagationPolicy),
    raw: {
      ...body,
      kind: "DeleteOptions",
      apiVersion: "meta.k8s.io/v1",
      ...(named === undefined ? {} : { propagationPolicy: named }),
      ...(dryRun.length === 0 ? {} : { dryRun }),
    },
  };
}

/** @throws ApiError 400 */
function checkBody({ apiVersion, kind, gracePeriodSeconds }: JsonObject): void {
  if (kind !== undefined && kind !== "DeleteOptions") {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? "")} ` +
        'in scheme "pkg/runtime/scheme.go:111"',
    );
  }
  if (![undefined, null].includes(gracePeriodSeconds as null) && !Number.isInteger(gracePeriodSeconds)) {
    const got = jsonType(gracePeriodSeconds);
    const field = "DeleteOptions.gracePeriodSeconds of type int64";
    throw badRequest(`json: cannot unmarshal ${got} into Go struct field ${field}`);
  }
}

export async function deleteObject(
  core: Core,
  resource: Resource,
  request: ApiRequest,
  info: RequestInfo,
  user: UserInfo,
  remarks: Remarks,
): Promise<ApiResponse> {
  const options = readOptions(request, info);
  const { name, namespace } = info.resource as NonNullable<RequestInfo["resource"]>;
  const outcome = await remove(core, resource, { name, namespace }, options, user, remarks);
  if (outcome.left !== undefined) return json(200, inVersion(resource, outcome.left));
  return json(200, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name,
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.plural,
      uid: outcome.removed.metadata.uid,
    },
  });
}

/** DELETE of a collection: each object that matches the selectors. */
export async function deleteCollection(
  core: Core,
  resource: Resource,
  request: ApiRequest,
  info: RequestInfo,
  user: UserInfo,
  remarks: Remarks,
): Promise<ApiResponse> {
  const options = readOptions(request, info);
  const { namespace } = info.resource as NonNullable<RequestInfo["resource"]>;
  const matching = core.store.list(qualified(resource), namespace).filter(selectorsOf(resource, info));
  const revision = core.store.revision;
  for (const { metadata } of matching) {
    const key = { name: metadata.name, namespace: metadata.namespace };
    await remove(core, resource, key, options, user, remarks, true);
  }
  return json(200, {
    kind: resource.listKind,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(revision) },
    items: listItems(resource, matching),
  });
}

type Outcome = { removed: KubeObject; left: undefined } | { removed: undefined; left: KubeObject };

async function remove(
  core: Core,
  resource: Resource,
  { name, namespace }: { name: string; namespace: string | undefined },
  options: DeleteOptions,
  user: UserInfo,
  remarks: Remarks,
  collection = false,
): Promise<Outcome> {
  const storage = qualified(resource);
  const key = storageKey({ name, namespace });
  for (;;) {
    const current = core.store.get(storage, key);
    if (current === undefined) throw notFound(resource, name);
    refuseImmortal(resource, name);
    checkPreconditions(resource, current, options);
    await admitDelete(core, resource, current, options, user, remarks, collection);
    if (core.store.get(storage, key) !== current) continue;
    const marked = mark(core, resource, current, options);
    if (marked === undefined) {
      if (!options.dryRun) core.store.remove(storage, key, current);
      return { removed: current, left: undefined };
    }
    if (marked === current || options.dryRun) return { removed: undefined, left: marked };
    return { removed: undefined, left: core.store.put(storage, key, marked, current) as KubeObject };
  }
}

/** The object with its deletion mark; the same when it is marked already; undefined when nothing holds it. */
function mark(
  core: Core,
  resource: Resource,
  current: KubeObject,
  options: DeleteOptions,
): KubeObject | undefined {
  const isNamespace = qualified(resource) === NAMESPACE_STORAGE;
  const finalizers = new Set(current.metadata.finalizers ?? []);
  // The garbage collector takes these off again; where none runs the object stays, as with a real server.
  if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
  if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
  if (finalizers.size === 0 && !isNamespace) return undefined;
  if (current.metadata.deletionTimestamp !== undefined) return current;
  const marked = markedForDeletion(core, current);
  if (finalizers.size > 0) marked.metadata.finalizers = [...finalizers];
  if (isNamespace) {
    delete marked.metadata.deletionGracePeriodSeconds;
    marked.status = { ...asObject(clone(current.status)), phase: "Terminating" };
  }
  return marked;
}

function checkPreconditions(resource: Resource, current: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion, name } = current.metadata;
  const subject = { group: resource.group, plural: resource.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    const why =
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). ` +
      "The object might have been deleted and then recreated";
    throw conflict(subject, name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why =
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ` +
      `ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(subject, name, why);
  }
}

async function admitDelete(
  core: Core,
  resource: Resource,
  current: KubeObject,
  options: DeleteOptions,
  user: UserInfo,
  remarks: Remarks,
  collection: boolean,
): Promise<void> {
  const shown = inVersion(resource, current);
  const attributes = {
    resource,
    subresource: "",
    operation: "DELETE" as const,
    namespace: current.metadata.namespace,
    // Requests for collections name nothing, and so do their reviews.
    name: collection ? "" : current.metadata.name,
    object: undefined,
    oldObject: shown,
    user,
    dryRun: options.dryRun,
    options: options.raw,
    ...remarks,
  };
  await core.admission.mutate(attributes, (object) => object);
  await core.admission.validate(attributes);
}
