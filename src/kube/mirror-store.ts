import type { KubeObject } from "./api.ts";
import { includes, isOlder } from "./resource-version.ts";

/** One change of what a mirror holds, in the order in which they happened for each key. */
export type MirrorChange<T> =
  | { type: "set"; key: string; value: T; previous: T | undefined }
  | { type: "delete"; key: string; previous: T };

/** Key of an object in a mirror: `namespace/name`, or the name alone for cluster-scoped objects. */
export function mirrorKey(object: { namespace?: string; name: string }): string {
  return object.namespace ? `${object.namespace}/${object.name}` : object.name;
}

interface Held<T> {
  readonly value: T;
  readonly resourceVersion: string;
}

/** What a list brought for a key: a changed object (null: not wanted), or the version that is held already. */
type Listed<T> = Held<T | null> | typeof UNCHANGED;
const UNCHANGED = Symbol("unchanged");

/**
 * What a mirror holds, and the rules by which lists and watch events, which may overlap, become changes: each
 * once, in order, and never back to an older state.
 */
export class MirrorStore<T> {
  readonly #project: (object: KubeObject) => T | null;
  readonly #emit: (change: MirrorChange<T>) => void;
  readonly #batch: (tell: () => void) => void;
  readonly #onRewound: () => void;
  readonly #held = new Map<string, Held<T>>();
  /** Keys that the watch deleted, and when, while a list is under way: its pages may still show them. */
  #deletedMeanwhile: Map<string, string> | undefined;
  #resourceVersion = "";

  constructor(
    project: (object: KubeObject) => T | null,
    emit: (change: MirrorChange<T>) => void,
    batch: (tell: () => void) => void = (tell) => tell(),
    onRewound: () => void = () => {},
  ) {
    this.#project = project;
    this.#emit = emit;
    this.#batch = batch;
    this.#onRewound = onRewound;
  }

  /** Everything up to this resourceVersion is in; "" before the first list. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get size(): number {
    return this.#held.size;
  }

  get(key: string): T | undefined {
    return this.#held.get(key)?.value;
  }

  *values(): IterableIterator<T> {
    for (const held of this.#held.values()) yield held.value;
  }

  *entries(): IterableIterator<[string, T]> {
    for (const [key, held] of this.#held) yield [key, held.value];
  }

  /** One ADDED, MODIFIED or DELETED event; ignored when a list has overtaken it. */
  applyEvent(deleted: boolean, object: KubeObject): void {
    const resourceVersion = object.metadata.resourceVersion ?? "";
    if (includes(this.#resourceVersion, resourceVersion)) return;
    const key = mirrorKey(object.metadata);
    const value = deleted ? null : this.#project(object);
    this.#resourceVersion = resourceVersion;
    if (value === null) this.#deletedMeanwhile?.set(key, resourceVersion);
    else this.#deletedMeanwhile?.delete(key);
    const change = this.#put(key, value, resourceVersion);
    if (change !== undefined) this.#emit(change);
  }

  /** A bookmark: nothing changed up to here that was not told. */
  advanceTo(resourceVersion: string): void {
    if (isOlder(this.#resourceVersion, resourceVersion)) this.#resourceVersion = resourceVersion;
  }

  /** Call before the first page is asked for; ends with `finish` or `abandon`. One list at a time. */
  beginList(): ListInProgress {
    const knownBefore = this.#resourceVersion;
    const deleted = new Map<string, string>();
    this.#deletedMeanwhile = deleted;
    const listed = new Map<string, Listed<T>>();
    return {
      add: (object, listVersion) => {
        const key = mirrorKey(object.metadata);
        const resourceVersion = object.metadata.resourceVersion ?? "";
        // A server restored from a backup gives out versions again that we saw on other content.
        const rewound = isOlder(listVersion, knownBefore);
        const unchanged = !rewound && this.#held.get(key)?.resourceVersion === resourceVersion;
        listed.set(key, unchanged ? UNCHANGED : { value: this.#project(object), resourceVersion });
      },
      finish: (listVersion) => {
        this.#deletedMeanwhile = undefined;
        const rewound = isOlder(listVersion, knownBefore);
        const changes = rewound ? this.#replace(listed) : this.#merge(listed, listVersion, deleted);
        if (rewound || !isOlder(listVersion, this.#resourceVersion)) this.#resourceVersion = listVersion;
        if (rewound) this.#onRewound();
        this.#tell(changes);
        return { rewound };
      },
      abandon: () => {
        this.#deletedMeanwhile = undefined;
      },
    };
  }

  /** The resource itself is gone, and all objects with it. */
  clear(): void {
    const changes = this.#replace(new Map());
    this.#resourceVersion = "";
    this.#tell(changes);
  }

  #tell(changes: readonly MirrorChange<T>[]): void {
    this.#batch(() => {
      for (const change of changes) this.#emit(change);
    });
  }

  #merge(listed: Map<string, Listed<T>>, listVersion: string, deleted: Map<string, string>) {
    const changes: MirrorChange<T>[] = [];
    for (const [key, item] of listed) {
      if (item === UNCHANGED) continue;
      const newest = this.#held.get(key)?.resourceVersion ?? deleted.get(key);
      if (newest !== undefined && includes(newest, item.resourceVersion)) continue;
      const change = this.#put(key, item.value, item.resourceVersion);
      if (change !== undefined) changes.push(change);
    }
    for (const [key, held] of this.#held) {
      if (listed.has(key) || isOlder(listVersion, held.resourceVersion)) continue;
      this.#held.delete(key);
      changes.push({ type: "delete", key, previous: held.value });
    }
    return changes;
  }

  #replace(listed: Map<string, Listed<T>>): MirrorChange<T>[] {
    const changes: MirrorChange<T>[] = [];
    for (const [key, item] of listed) {
      if (item === UNCHANGED) continue;
      const change = this.#put(key, item.value, item.resourceVersion);
      if (change !== undefined) changes.push(change);
    }
    for (const [key, held] of this.#held) {
      if (listed.has(key)) continue;
      this.#held.delete(key);
      changes.push({ type: "delete", key, previous: held.value });
    }
    return changes;
  }

  #put(key: string, value: T | null, resourceVersion: string): MirrorChange<T> | undefined {
    const previous = this.#held.get(key)?.value;
    if (value !== null) {
      this.#held.set(key, { value, resourceVersion });
      return { type: "set", key, value, previous };
    }
    if (previous === undefined) return undefined;
    this.#held.delete(key);
    return { type: "delete", key, previous };
  }
}

export interface ListInProgress {
  /** An object of a page; `listVersion` is the page's resourceVersion. */
  add(object: KubeObject, listVersion: string): void;
  /** All pages are in. `rewound`: the server's history is older than what was seen before (a restored backup). */
  finish(listVersion: string): { rewound: boolean };
  abandon(): void;
}
