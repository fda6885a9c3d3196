import type { KubeObject, ObjectKey } from "../kube/api.ts";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** One committed write. Objects are never changed after they were stored: whoever reads them must not either. */
export interface Change {
  readonly revision: number;
  readonly type: ChangeType;
  /** `plural.group`, as in `leases.coordination.k8s.io`. */
  readonly resource: string;
  readonly key: string;
  /** What the object is now; for DELETED what it was, with the revision of the deletion. */
  readonly object: KubeObject;
  /** Absent for ADDED. */
  readonly previous?: KubeObject;
}

export class CompactedError extends Error {
  override readonly name = "CompactedError";
  /** The oldest revision that can still be asked for. */
  readonly oldest: number;
  constructor(oldest: number) {
    super(`history before revision ${oldest} is gone`);
    this.oldest = oldest;
  }
}

/** Sorts as the API server's storage does: by namespace, then by name. */
export function storageKey({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

interface Table {
  objects: Map<string, KubeObject>;
  /** The keys in order; undefined after a key came or went. */
  sorted: string[] | undefined;
}

/**
 * The storage under the sandbox: what etcd is under a Kubernetes API server. One revision counter for all
 * objects, compare-and-set writes, and a window of past changes from which watches and consistent continued
 * lists are served. Synchronous and without a clock.
 */
export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #listeners = new Map<string, Set<(change: Change) => void>>();
  readonly #historyLimit: number;
  #history: Change[] = [];
  #oldest = 0;
  #revision = 0;

  /** @param historyLimit how many changes are remembered; 1 or more, default 10_000. */
  constructor(historyLimit = 10_000) {
    this.#historyLimit = historyLimit;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Changes after this revision are still known. */
  get oldestRevision(): number {
    return this.#oldest;
  }

  get(resource: string, key: string): KubeObject | undefined {
    return this.#tables.get(resource)?.objects.get(key);
  }

  /** All objects of a resource in key order, or those of one namespace. */
  list(resource: string, namespace?: string): KubeObject[] {
    const table = this.#tables.get(resource);
    if (table === undefined) return [];
    table.sorted ??= [...table.objects.keys()].sort(compareKeys);
    const objects = table.sorted.map((key) => table.objects.get(key) as KubeObject);
    return namespace === undefined
      ? objects
      : objects.filter((object) => object.metadata.namespace === namespace);
  }

  /** The list as it was at a past revision. @throws CompactedError */
  listAt(revision: number, resource: string, namespace?: string): KubeObject[] {
    if (revision < this.#oldest) throw new CompactedError(this.#oldest);
    if (revision >= this.#revision) return this.list(resource, namespace);
    const objects = new Map(this.#tables.get(resource)?.objects);
    for (let at = this.#history.length - 1; at >= 0; at--) {
      const change = this.#history[at] as Change;
      if (change.revision <= revision) break;
      if (change.resource !== resource) continue;
      if (change.previous === undefined) objects.delete(change.key);
      else objects.set(change.key, change.previous);
    }
    return [...objects]
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([a], [b]) => compareKeys(a, b))
      .map(([, object]) => object);
  }

  /**
   * Stores `object` under the key if what is there now is exactly `expected` (undefined: nothing).
   * Takes ownership of `object` and sets its resourceVersion. Returns undefined when the expectation failed.
   */
  put(
    resource: string,
    key: string,
    object: KubeObject,
    expected: KubeObject | undefined,
  ): KubeObject | undefined {
    const table = this.#table(resource);
    const previous = table.objects.get(key);
    if (previous !== expected) return undefined;
    object.metadata.resourceVersion = String(this.#revision + 1);
    table.objects.set(key, object);
    if (previous === undefined) table.sorted = undefined;
    this.#commit({
      revision: this.#revision + 1,
      type: previous === undefined ? "ADDED" : "MODIFIED",
      resource,
      key,
      object,
      ...(previous === undefined ? {} : { previous }),
    });
    return object;
  }

  /** Removes the object if it is still exactly `expected`; false when it is not. */
  remove(resource: string, key: string, expected: KubeObject): boolean {
    const table = this.#table(resource);
    if (table.objects.get(key) !== expected) return false;
    table.objects.delete(key);
    table.sorted = undefined;
    const revision = this.#revision + 1;
    const object = { ...expected, metadata: { ...expected.metadata, resourceVersion: String(revision) } };
    this.#commit({ revision, type: "DELETED", resource, key, object, previous: expected });
    return true;
  }

  /** The changes of a resource after a revision, oldest first. @throws CompactedError */
  changesSince(revision: number, resource: string): Change[] {
    if (revision < this.#oldest) throw new CompactedError(this.#oldest);
    return this.#history.filter((change) => change.revision > revision && change.resource === resource);
  }

  /** Calls `listener` at each later change, within the write itself, in order. Returns the way to stop. */
  subscribe(resource: string, listener: (change: Change) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Forgets the changes up to a revision (default: all), as an API server does with age. */
  compact(revision = this.#revision): void {
    this.#oldest = Math.max(this.#oldest, Math.min(revision, this.#revision));
    this.#history = this.#history.filter((change) => change.revision > this.#oldest);
  }

  #table(resource: string): Table {
    let table = this.#tables.get(resource);
    if (table === undefined) {
      table = { objects: new Map(), sorted: undefined };
      this.#tables.set(resource, table);
    }
    return table;
  }

  #commit(change: Change): void {
    this.#revision = change.revision;
    this.#history.push(change);
    // Trimmed in big steps: a shift per write would copy the whole window each time.
    if (this.#history.length > this.#historyLimit * 2) {
      this.compact((this.#history.at(-this.#historyLimit - 1) as Change).revision);
    }
    for (const listener of [...(this.#listeners.get(change.resource) ?? [])]) listener(change);
  }
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
