import type { KubeObject } from "../../src/kube/api.ts";
import { type Change, type ChangeType, storageKey } from "../../src/sandbox/store.ts";
import type { Shelf } from "../simulation/stored.ts";

/**
 * Objects as a history tells of them, told on as the sandbox's store tells of its own: what checks the simulation's
 * storage checks a real API server's history.
 */
export class ReplayedShelf implements Shelf {
  readonly #tables = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, ((change: Change) => void)[]>();

  get(resource: string, key: string): KubeObject | undefined {
    return this.#tables.get(resource)?.get(key);
  }

  list(resource: string): KubeObject[] {
    return [...(this.#tables.get(resource)?.values() ?? [])];
  }

  /** Called after each change, in order. */
  subscribe(resource: string, listener: (change: Change) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? [];
    this.#listeners.set(resource, [...listeners, listener]);
    return () => {
      const left = this.#listeners.get(resource)?.filter((each) => each !== listener);
      this.#listeners.set(resource, left ?? []);
    };
  }

  apply(resource: string, type: ChangeType, object: KubeObject): void {
    const table = this.#tables.get(resource) ?? new Map<string, KubeObject>();
    this.#tables.set(resource, table);
    const key = storageKey(object.metadata);
    const previous = table.get(key);
    if (type === "DELETED") table.delete(key);
    else table.set(key, object);
    const revision = Number(object.metadata.resourceVersion);
    const change = { type, resource, key, object, revision, ...(previous !== undefined && { previous }) };
    for (const listener of this.#listeners.get(resource) ?? []) listener(change);
  }

  /** The same, one namespace of it. */
  within(namespace: string): Shelf {
    return {
      get: (resource, key) => (key.startsWith(`${namespace}/`) ? this.get(resource, key) : undefined),
      list: (resource) => this.list(resource).filter(({ metadata }) => metadata.namespace === namespace),
    };
  }
}
