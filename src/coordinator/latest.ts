import { includes } from "../kube/resource-version.ts";

/** Deletions remembered, so that the late answer to a write can't bring a deleted object back. */
const TOMBSTONES = 4096;

/** Who tells of an object: a mirror of all that there is, or the answer to a call of this replica's own. */
export type Source = "mirror" | "answer";

/**
 * The newest known version of each object, by uid. Two sources feed it, the watch and the answers to this
 * replica's own writes; whichever is behind the other is ignored.
 */
export class Latest<T> {
  readonly #entries = new Map<string, { version: string; value: T }>();
  readonly #deleted = new Set<string>();
  /** Those of which no mirror has told yet: of what is deleted before, no mirror ever does. */
  readonly #unconfirmed = new Set<string>();

  /** false when a version as new, or the deletion, is known already. */
  set(uid: string, version: string, value: T, source: Source): boolean {
    if (source === "mirror") this.#unconfirmed.delete(uid);
    if (this.#deleted.has(uid)) return false;
    const known = this.#entries.get(uid);
    if (known !== undefined && includes(known.version, version)) return false;
    if (known === undefined && source === "answer") this.#unconfirmed.add(uid);
    this.#entries.set(uid, { version, value });
    return true;
  }

  /** The value that was known. `forGood`: whatever is told of this uid later is older. */
  delete(uid: string, forGood: boolean): T | undefined {
    if (forGood) this.#deleted.add(uid);
    if (this.#deleted.size > TOMBSTONES) {
      const oldest = this.#deleted.values().next();
      if (!oldest.done) this.#deleted.delete(oldest.value);
    }
    const known = this.#entries.get(uid);
    this.#entries.delete(uid);
    this.#unconfirmed.delete(uid);
    return known?.value;
  }

  isUnconfirmed(uid: string): boolean {
    return this.#unconfirmed.has(uid);
  }

  unconfirmed(): T[] {
    return [...this.#unconfirmed].map((uid) => this.#entries.get(uid)!.value);
  }

  /** The server's history went back: from now on any version of anything is news. */
  forgetVersions(): void {
    this.#deleted.clear();
    for (const [uid, { value }] of this.#entries) this.#entries.set(uid, { version: "", value });
  }

  get(uid: string): T | undefined {
    return this.#entries.get(uid)?.value;
  }

  *values(): IterableIterator<T> {
    for (const entry of this.#entries.values()) yield entry.value;
  }

  get size(): number {
    return this.#entries.size;
  }
}
