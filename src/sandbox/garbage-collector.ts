import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { removeOrMark } from "./namespaces.ts";
import type { Resource } from "./resources/resource.ts";
import { qualified } from "./status.ts";
import { storageKey } from "./store.ts";

/**
 * Deletes objects all of whose owners are gone, in the background, as a cluster's controller-manager does.
 * Looks after each deletion, in a later turn. Runs until stopped.
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
      core.store.subscribe(storage, ({ type }) => {
        if (type === "DELETED") wake();
        // New definitions bring types that are not watched yet.
        if (storage.startsWith("customresourcedefinitions."))
          for (const each of core.registry.stored()) watch(each);
      }),
    );
  };
  for (const resource of core.registry.stored()) watch(resource);
  return () => {
    for (const stop of watched.values()) stop();
  };
}

function collect(core: Core): void {
  for (const resource of core.registry.stored()) {
    for (const object of core.store.list(qualified(resource))) {
      const owners = object.metadata.ownerReferences ?? [];
      if (owners.length > 0 && !owners.some((owner) => exists(core, owner, object))) {
        removeOrMark(core, resource, object);
      }
    }
  }
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
