import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { timestamp } from "./identifiers.ts";
import { asArray, asObject, clone } from "./json.ts";
import type { Resource } from "./resources/resource.ts";
import { forbidden, notFound, qualified } from "./status.ts";
import { storageKey } from "./store.ts";

export const NAMESPACE_STORAGE = "namespaces";
const NAMESPACES = { group: "", plural: NAMESPACE_STORAGE };

/** Source: the NamespaceLifecycle admission plugin's immortal namespaces. */
const IMMORTAL = ["default", "kube-system", "kube-public"];

/** The namespace of a new object must exist and must not be on its way out. @throws ApiError 403 or 404 */
export function requireNamespace(core: Core, resource: Resource, object: KubeObject): void {
  const { namespace, name } = object.metadata;
  if (namespace === undefined) return;
  const found = core.store.get(NAMESPACE_STORAGE, namespace);
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const failure = forbidden(resource, name, why);
  failure.status.details = {
    ...failure.status.details,
    causes: [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  };
  throw failure;
}

export function refuseImmortal(resource: Resource, name: string): void {
  if (qualified(resource) !== NAMESPACE_STORAGE || !IMMORTAL.includes(name)) return;
  throw forbidden(resource, name, "this namespace may not be deleted");
}

/**
 * The namespace controller: empties namespaces that are being deleted and lets them go when nothing is left
 * in them. Objects with finalizers are marked and waited for. Runs until stopped.
 */
export function startNamespaceController(core: Core): () => void {
  const watched = new Map<string, () => void>();
  const sweep = () => {
    for (const namespace of core.store.list(NAMESPACE_STORAGE)) {
      if (namespace.metadata.deletionTimestamp !== undefined) empty(core, namespace);
    }
  };
  let sweeping = false;
  // One pass at a time, in a later turn: the store tells of a write while it is still inside it.
  const wake = () => {
    if (sweeping) return;
    sweeping = true;
    core.clock.schedule(0, () => {
      sweeping = false;
      watchAll();
      sweep();
    });
  };
  const watchAll = () => {
    for (const resource of core.registry.stored()) {
      const storage = qualified(resource);
      if (!resource.namespaced || watched.has(storage)) continue;
      watched.set(
        storage,
        core.store.subscribe(storage, ({ type, object }) => {
          if (type === "DELETED" && isTerminating(core, object.metadata.namespace)) wake();
        }),
      );
    }
  };
  watchAll();
  const stop = core.store.subscribe(NAMESPACE_STORAGE, ({ type, object }) => {
    if (type === "MODIFIED" && object.metadata.deletionTimestamp !== undefined) wake();
  });
  return () => {
    stop();
    for (const unsubscribe of watched.values()) unsubscribe();
  };
}

function isTerminating(core: Core, namespace: string | undefined): boolean {
  const found = namespace === undefined ? undefined : core.store.get(NAMESPACE_STORAGE, namespace);
  return found?.metadata.deletionTimestamp !== undefined;
}

function empty(core: Core, namespace: KubeObject): void {
  const { name } = namespace.metadata;
  let left = 0;
  for (const resource of core.registry.stored().filter((each) => each.namespaced)) {
    for (const object of core.store.list(qualified(resource), name)) {
      if (!removeOrMark(core, resource, object)) left++;
    }
  }
  if (left > 0) return;
  const current = core.store.get(NAMESPACE_STORAGE, name);
  if (current === undefined) return;
  const others = asArray(asObject(current.spec).finalizers).filter((each) => each !== "kubernetes");
  if (others.length === 0 && (current.metadata.finalizers ?? []).length === 0) {
    core.store.remove(NAMESPACE_STORAGE, name, current);
  } else if (others.length !== asArray(asObject(current.spec).finalizers).length) {
    const next = clone(current);
    next.spec = { ...asObject(next.spec), finalizers: others };
    core.store.put(NAMESPACE_STORAGE, name, next, current);
  }
}

/** Deletes an object as the server's own controllers do: no admission; finalizers are respected. */
export function removeOrMark(core: Core, resource: Resource, object: KubeObject): boolean {
  const { name, namespace, finalizers, deletionTimestamp } = object.metadata;
  const key = storageKey({ name, namespace });
  if ((finalizers ?? []).length === 0) return core.store.remove(qualified(resource), key, object);
  if (deletionTimestamp === undefined) {
    core.store.put(qualified(resource), key, markedForDeletion(core, object), object);
  }
  return false;
}

/** A copy with the deletion mark: what DELETE makes of an object that has finalizers. */
export function markedForDeletion(core: Core, object: KubeObject): KubeObject {
  const marked = clone(object);
  marked.metadata.deletionTimestamp = timestamp(core.clock.wallMs());
  marked.metadata.deletionGracePeriodSeconds = 0;
  if (marked.metadata.generation !== undefined) marked.metadata.generation++;
  return marked;
}
