/**
 * The priority-greedy matching of one pool (design section 6): the claims that get a host when hosts are given out by
 * priority and nobody gets one at the cost of a higher claim.
 *
 * Invariant after every public call, but while loading: the placed claims are the lexicographically best set that can
 * be matched; of each kind they are its first `placed`.
 */
import type { Claim } from "./claim.ts";
import { type HostClass, type Kind, Network } from "./network.ts";
import { compareClaims } from "./priority.ts";
import { classesSeen, fillSpare, findOpening, findSpare, moveInto } from "./search.ts";

export class Matching extends Network {
  private loading = false;

  /** After the class got a host. */
  hostAdded(cls: HostClass): void {
    this.version++;
    cls.size++;
    this.noteSpare(cls);
    // While there was a spare host, nobody who could have used it was without a place.
    if (!this.loading && cls.size - cls.used === 1) fillSpare(this, cls);
  }

  /** After the class lost a host. */
  hostRemoved(cls: HostClass): void {
    this.version++;
    moveInto(this, findOpening(this, { class: cls }));
    cls.size--;
    this.noteSpare(cls);
  }

  /** After a claim was inserted into `kind.claims` at `index`. */
  claimAdded(kind: Kind, index: number): void {
    this.unplaced++;
    this.noteClaims(kind);
    if (this.loading || index > kind.placed) return;
    if (index < kind.placed) this.version++;
    // Whichever claim of the kind is the new one, the first that has no place now is the one to find a place for.
    const entering = kind.firstUnplaced!;
    if (this.spareClasses === 0 && !this.isAboveSome(entering)) return;
    const opening = findOpening(this, { kind });
    if (opening.type === "none") return;
    if (opening.type === "loser" && compareClaims(opening.kind.lastPlaced!, entering) < 0) return;
    this.version++;
    moveInto(this, opening);
    this.setPlaced(kind, kind.placed + 1);
  }

  /** After a claim was removed from `kind.claims` at `index`. */
  claimRemoved(kind: Kind, index: number): void {
    this.unplaced--;
    if (index >= kind.placed) {
      this.noteClaims(kind);
      return;
    }
    this.version++;
    this.setPlaced(kind, kind.placed - 1);
    const left = kind.flows[0]!.class;
    this.addFlow(kind, left, -1);
    fillSpare(this, left);
  }

  /**
   * b(h) of the design, for any host of the class: the claim that loses its place when the host is gone; null when
   * nobody does.
   */
  weakest(cls: HostClass): Claim | null {
    if (cls.weakestVersion !== this.version) {
      const opening = findOpening(this, { class: cls });
      cls.weakest = opening.type === "loser" ? opening.kind : null;
      cls.weakestVersion = this.version;
    }
    return cls.weakest?.lastPlaced ?? null;
  }

  /** Takes all places away; hosts and claims that come and go from now on are not matched until `finishLoading`. */
  startLoading(): void {
    for (const kind of this.kinds) {
      if (kind === undefined) continue;
      for (const flow of [...kind.flows]) this.addFlow(kind, flow.class, -flow.count);
      this.setPlaced(kind, 0);
    }
    this.loading = true;
  }

  /** Matches everything at once: by priority, so that nobody who has a place ever loses it. */
  finishLoading(): void {
    this.loading = false;
    this.version++;
    const waiting: { claim: Claim; kind: Kind }[] = [];
    for (const kind of this.kinds)
      for (const claim of kind?.claims ?? []) waiting.push({ claim, kind: kind! });
    waiting.sort((a, b) => compareClaims(a.claim, b.claim));
    // Where one search found no spare host, no later one will: nothing gets free any more.
    const dead = new Int32Array((this.classes.length + 31) >> 5);
    const unserved = new Set<Kind>();
    for (const { kind } of waiting) {
      if (this.spareClasses === 0) return;
      if (unserved.has(kind)) continue;
      const opening = findSpare(this, kind, dead);
      if (opening.type === "spare") {
        moveInto(this, opening);
        this.setPlaced(kind, kind.placed + 1);
      } else {
        unserved.add(kind);
        dead.set(classesSeen().subarray(0, dead.length));
      }
    }
  }

  /** Some claim that has a place comes after this one. */
  private isAboveSome(claim: Claim): boolean {
    const lowest = this.byLastPlaced.kinds.at(-1)?.lastPlaced;
    return lowest !== undefined && compareClaims(claim, lowest!) < 0;
  }
}
