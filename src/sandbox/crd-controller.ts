import type { Core } from "./core.ts";
import { establishedStatus, isEstablished } from "./custom-resources.ts";
import { timestamp } from "./identifiers.ts";
import { clone } from "./json.ts";
import { CRD_STORAGE } from "./registry.ts";
import { storageKey } from "./store.ts";

/**
 * Accepts the names of each new CustomResourceDefinition and establishes it, in the turn after it was stored.
 * When one is deleted its objects go with it. Runs until stopped.
 */
export function startCrdController(core: Core): () => void {
  return core.store.subscribe(CRD_STORAGE, ({ type, key, object }) => {
    if (type === "DELETED") return removeObjects(core, key);
    if (isEstablished(object)) return;
    core.clock.schedule(0, () => {
      const current = core.store.get(CRD_STORAGE, key);
      if (current === undefined || isEstablished(current)) return;
      const next = clone(current);
      next.status = establishedStatus(current, timestamp(core.clock.wallMs()));
      core.store.put(CRD_STORAGE, key, next, current);
    });
  });
}

/** The definition's name is `plural.group`, which is also where its objects are stored. */
function removeObjects(core: Core, storage: string): void {
  for (const object of core.store.list(storage)) {
    const { name, namespace } = object.metadata;
    core.store.remove(storage, storageKey({ name, namespace }), object);
  }
}
