import type { KubeObject, ObjectMeta } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { removeOrMark } from "./namespaces.ts";
import { CRD_STORAGE } from "./registry.ts";
import type { Resource } from "./resources/resource.ts";
import { qualified } from "./status.ts";
import { storageKey } from "./store.ts";

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

/**
 * Deletes objects all of whose owners are gone, in the background, as a cluster's controller-manager does, and
 * ends deletions that wait for their dependents or leave them behind. Looks after each deletion, in a later
 * turn. Runs until stopped.
 */
export function startGarbageCollector(core: Core): () => void {
  const watched = new Map<string, () => void>();
  let waiting = false;
  const wake = () => {
    if (waiting) return;
    waiting = true;
    core.clock.schedule(0, () => {
      waiting = false;
      collect(core);
    });
  };
  const watch = (resource: Resource) => {
    const storage = qualified(resource);
    if (watched.has(storage)) return;
    watched.set(
      storage,
      core.store.subscribe(storage, ({ type, object }) => {
        if (type === "DELETED" || object.metadata.deletionTimestamp !== undefined) wake();
        // New definitions bring types that are not watched yet.
        if (storage === CRD_STORAGE) for (const each of core.registry.stored()) watch(each);
      }),
    );
  };
  for (const resource of core.registry.stored()) watch(resource);
  return () => {
    for (const stop of watched.values()) stop();
  };
}

interface Held {
  readonly resource: Resource;
  readonly object: KubeObject;
}

function collect(core: Core): void {
  const all = core.registry
    .stored()
    .flatMap((resource) =>
      core.store.list(qualified(resource)).map((object): Held => ({ resource, object })),
    );
  for (const held of all) {
    const owners = held.object.metadata.ownerReferences ?? [];
    if (owners.length > 0 && !owners.some((owner) => exists(core, owner, held.object))) {
      removeOrMark(core, held.resource, held.object);
    } else if (held.object.metadata.deletionTimestamp !== undefined) endDeletion(core, held, all);
  }
}

/** An owner that waits in the foreground goes when its dependents have gone; one that orphans lets them go first. */
function endDeletion(core: Core, { resource, object }: Held, all: readonly Held[]): void {
  const { finalizers = [], uid } = object.metadata;
  const owns = ({ object: { metadata } }: Held) =>
    (metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
  if (finalizers.includes(ORPHAN)) {
    for (const dependent of all.filter(owns)) disown(core, dependent, uid);
    replace(core, resource, object, { finalizers: finalizers.filter((each) => each !== ORPHAN) });
  } else if (finalizers.includes(FOREGROUND)) {
    const dependents = all.filter(owns);
    for (const dependent of dependents) removeOrMark(core, dependent.resource, dependent.object);
    if (dependents.length > 0) return;
    replace(core, resource, object, { finalizers: finalizers.filter((each) => each !== FOREGROUND) });
  }
}

function disown(core: Core, { resource, object }: Held, uid: string | undefined): void {
  const kept = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
  replace(core, resource, object, { ownerReferences: kept });
}

/** Writes changed metadata; an object whose last finalizer went goes itself. */
function replace(core: Core, resource: Resource, object: KubeObject, change: Partial<ObjectMeta>): void {
  const metadata = { ...object.metadata, ...change };
  if (metadata.deletionTimestamp !== undefined && metadata.finalizers?.length === 0) {
    core.store.remove(qualified(resource), storageKey(object.metadata), object);
  } else core.store.put(qualified(resource), storageKey(object.metadata), { ...object, metadata }, object);
}

/** An owner of an unknown kind is taken to exist: its definition may yet come. */
function exists(
  core: Core,
  owner: { apiVersion: string; kind: string; name: string; uid: string },
  object: KubeObject,
) {
  const resource = core.registry.byKind(owner.apiVersion, owner.kind);
  if (resource === undefined) return true;
  const { namespace } = object.metadata;
  const within = resource.namespaced && namespace !== undefined ? { namespace } : {};
  const found = core.store.get(qualified(resource), storageKey({ name: owner.name, ...within }));
  return found?.metadata.uid === owner.uid;
}
