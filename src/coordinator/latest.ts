import { includes } from "../kube/resource-version.ts";

/** Deletions remembered, so that the late answer to a write can't bring a deleted object back. */
const TOMBSTONES = 4096;

/** Whether an object of this version is known to be gone, without anybody having said so; "": of an unknown one. */
export type IsGone<T> = (version: string, value: T) => boolean;

/**
 * The newest known version of each object, by uid. Two sources feed it, the watch and the answers to this
 * replica's own writes; whichever is behind the other is ignored.
 */
export class Latest<T> {
  readonly #entries = new Map<string, { version: string; value: T }>();
  readonly #deleted = new Set<string>();
  #isGone: IsGone<T> = () => false;

  /** Of what was made and deleted between two lists no watch tells, and the answer to a write may come afterwards. */
  goneWhere(isGone: IsGone<T>): void {
    this.#isGone = isGone;
  }

  /** false when a version as new, or the deletion, is known already. */
  set(uid: string, version: string, value: T): boolean {
    if (this.#deleted.has(uid)) return false;
    const known = this.#entries.get(uid);
    if (known === undefined ? this.#isGone(version, value) : includes(known.version, version)) return false;
    this.#entries.set(uid, { version, value });
    return true;
  }

  /** The value that was known. */
  delete(uid: string): T | undefined {
    this.#deleted.add(uid);
    if (this.#deleted.size > TOMBSTONES) {
      const oldest = this.#deleted.values().next();
      if (!oldest.done) this.#deleted.delete(oldest.value);
    }
    const known = this.#entries.get(uid);
    this.#entries.delete(uid);
    return known?.value;
  }

  /** uids of those that are here and known to be gone. */
  gone(): string[] {
    const uids: string[] = [];
    for (const [uid, { version, value }] of this.#entries) if (this.#isGone(version, value)) uids.push(uid);
    return uids;
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
