/**
 * The priority-greedy matching of one pool (design section 6): the claims that get a host when hosts are given out
 * by priority and nobody gets one at the cost of a higher claim. Claims that ask the same (a Kind) and hosts that
 * say the same (a HostClass) are interchangeable, so the matching is kept as numbers between kinds and classes.
 *
 * Invariant after every public call: the placed claims are the lexicographically best set that can be matched; of
 * each kind they are its first `placed`.
 */
import { BITS_A_WORD, type BitRow, bitsOf, clearBit, lowestBit, ScratchBits, setBit } from "./bits.ts";
import type { Claim, Host, Requirements } from "./claim.ts";
import { compareClaims } from "./priority.ts";
import type { Term } from "./vocabulary.ts";

/** A host of the queue and the class it is in. */
export interface Seat {
  host: Host;
  class: HostClass;
}

/** How many claims of a kind have their places in a class; never 0. */
interface Flow {
  readonly kind: Kind;
  readonly class: HostClass;
  count: number;
}

/** The claims with the same requirements. */
export class Kind {
  readonly key: string;
  readonly requirements: Requirements;
  slot = -1;
  /** By priority. */
  claims: Claim[] = [];
  /** This many of them, the first ones, have a place. */
  placed = 0;
  /** Slots of the classes that fit. */
  row: BitRow = [];
  readonly flows: Flow[] = [];
  /** Where the search that goes on came from; valid while `mark` is that search's number. */
  mark = 0;
  from: HostClass | null = null;
  /** The set in which new classes find it. */
  lookup: Set<Kind> | null = null;

  constructor(key: string, requirements: Requirements) {
    this.key = key;
    this.requirements = requirements;
  }

  /** The placed claim that would go first. */
  get lastPlaced(): Claim | undefined {
    return this.claims[this.placed - 1];
  }

  /** The claim that would come next; undefined when all have places. */
  get firstUnplaced(): Claim | undefined {
    return this.claims[this.placed];
  }
}

/** The hosts that say the same about everything that requirements mention. */
export class HostClass {
  key: string;
  terms: readonly Term[];
  slot = -1;
  /** By name. */
  members: Seat[] = [];
  /** How many of `members`, from `head` on, count. They all do, but in a copy some are gone. */
  size = 0;
  head = 0;
  /** Places taken. */
  used = 0;
  /** Slots of the kinds that fit. */
  row: BitRow = [];
  readonly flows: Flow[] = [];
  mark = 0;
  from: Kind | null = null;
  /** Whose last placed claim is the answer of `weakest`; valid in that version of the matching. */
  weakest: Kind | null = null;
  weakestVersion = -1;

  constructor(key: string, terms: readonly Term[]) {
    this.key = key;
    this.terms = terms;
  }
}

// Searches run to their end within one call, so all matchings can share them.
const seen = new ScratchBits();
const stack: HostClass[] = [];

export class Matching {
  /** By slot; undefined where a slot is free. */
  readonly classes: (HostClass | undefined)[] = [];
  readonly kinds: (Kind | undefined)[] = [];
  private readonly freeClassSlots: number[] = [];
  private readonly freeKindSlots: number[] = [];
  /** Bits of the classes with a spare host. */
  private readonly spare: number[] = [];
  private unplaced = 0;
  private version = 0;
  private mark = 0;
  /** What the last `explore` found: a class with a spare host, or else the kind of the lowest claim it reached. */
  private spareClass: HostClass | null = null;
  private lowestKind: Kind | null = null;

  /** An independent copy, to try things out; hosts and claims are shared, and not to be added or removed in it. */
  copy(): Matching {
    const copy = new Matching();
    for (const original of this.kinds) {
      const kind = original && new Kind(original.key, original.requirements);
      if (kind) Object.assign(kind, { ...original, flows: kind.flows, mark: 0, from: null });
      copy.kinds.push(kind);
    }
    for (const original of this.classes) {
      const cls = original && new HostClass(original.key, original.terms);
      if (cls) Object.assign(cls, { ...original, flows: cls.flows, mark: 0, from: null, used: 0 });
      copy.classes.push(cls);
      if (!cls) continue;
      copy.noteSpare(cls);
      for (const flow of original.flows) copy.addFlow(copy.kinds[flow.kind.slot]!, cls, flow.count);
    }
    copy.unplaced = this.unplaced;
    return copy;
  }

  addKind(kind: Kind): void {
    kind.slot = this.freeKindSlots.pop() ?? this.kinds.length;
    this.kinds[kind.slot] = kind;
  }

  /** Of a kind without claims. */
  removeKind(kind: Kind): void {
    for (const slot of bitsOf(kind.row)) clearBit(this.classes[slot]!.row, kind.slot);
    this.kinds[kind.slot] = undefined;
    this.freeKindSlots.push(kind.slot);
  }

  addClass(cls: HostClass): void {
    cls.slot = this.freeClassSlots.pop() ?? this.classes.length;
    this.classes[cls.slot] = cls;
  }

  /** Of a class without hosts. */
  removeClass(cls: HostClass): void {
    for (const slot of bitsOf(cls.row)) clearBit(this.kinds[slot]!.row, cls.slot);
    this.classes[cls.slot] = undefined;
    this.freeClassSlots.push(cls.slot);
  }

  /** Says, before the class or the kind has members, that its hosts fit its claims. */
  addFit(kind: Kind, cls: HostClass): void {
    setBit(kind.row, cls.slot);
    setBit(cls.row, kind.slot);
  }

  /** The hosts of the second class, which has none yet, fit the same kinds as those of the first. */
  copyFits(from: HostClass, to: HostClass): void {
    to.row = [...from.row];
    for (const slot of bitsOf(to.row)) setBit(this.kinds[slot]!.row, to.slot);
  }

  /** After the class got a host. */
  hostAdded(cls: HostClass): void {
    this.version++;
    cls.size++;
    // While there was a spare host, nobody who could have used it was without a place.
    if (cls.size - cls.used > 1) return;
    this.noteSpare(cls);
    this.fill(cls);
  }

  /** After the class lost a host. */
  hostRemoved(cls: HostClass): void {
    this.version++;
    if (cls.size === cls.used) {
      this.explore(cls, null);
      this.vacate();
    }
    cls.size--;
    this.noteSpare(cls);
  }

  /** After a claim was inserted into `kind.claims` at `index`. */
  claimAdded(kind: Kind, index: number): void {
    this.unplaced++;
    if (index > kind.placed) return;
    if (index < kind.placed) this.version++;
    // Whichever claim of the kind is the new one, the first that has no place now is the one to find a place for.
    const entering = kind.firstUnplaced!;
    this.explore(null, kind);
    const lowest = this.lowestKind?.lastPlaced;
    if (this.spareClass === null && (lowest === undefined || compareClaims(lowest, entering) < 0)) return;
    this.version++;
    this.vacate();
    kind.placed++;
    this.unplaced--;
  }

  /** After a claim was removed from `kind.claims` at `index`. */
  claimRemoved(kind: Kind, index: number): void {
    if (index >= kind.placed) {
      this.unplaced--;
      return;
    }
    this.version++;
    kind.placed--;
    const left = kind.flows[0]!.class;
    this.addFlow(kind, left, -1);
    this.fill(left);
  }

  /**
   * b(h) of the design, for any host of the class: the claim that loses its place when the host is gone; null when
   * nobody does.
   */
  weakest(cls: HostClass): Claim | null {
    if (cls.weakestVersion !== this.version) {
      this.explore(cls, null);
      cls.weakest = this.spareClass === null ? this.lowestKind : null;
      cls.weakestVersion = this.version;
    }
    return cls.weakest?.lastPlaced ?? null;
  }

  /** How many of `claims` claims, which are all that it has, have places. */
  placedCount(claims: number): number {
    return claims - this.unplaced;
  }

  /** Moves hosts, and places as far as they go, to a new class that fits the same kinds. */
  splitOff(from: HostClass, to: HostClass, hosts: number): void {
    this.version++;
    to.size = hosts;
    let room = hosts;
    for (const { kind, count } of [...from.flows]) {
      const moved = Math.min(room, count);
      room -= moved;
      if (moved === 0) break;
      this.addFlow(kind, from, -moved);
      this.addFlow(kind, to, moved);
    }
    from.size -= hosts;
    this.noteSpare(from);
    this.noteSpare(to);
  }

  /** Moves all hosts and places of a class to one that fits the same kinds. */
  mergeInto(to: HostClass, from: HostClass): void {
    this.version++;
    to.size += from.size;
    for (const { kind, count } of [...from.flows]) {
      this.addFlow(kind, from, -count);
      this.addFlow(kind, to, count);
    }
    from.size = 0;
    this.noteSpare(from);
    this.noteSpare(to);
  }

  /**
   * Tells, of any class that fits `kind`, whether a placed claim of the kind could take one of its hosts and leave
   * with it, and nobody else would lose a place.
   */
  sparable(kind: Kind): (cls: HostClass) => boolean {
    let mark = 0;
    return (cls) => {
      if (cls.used < cls.size || kind.flows.some((flow) => flow.class === cls)) return true;
      if (mark === 0) mark = this.markSparable(kind);
      return cls.mark === mark;
    };
  }

  /** A placed claim of the kind takes a host of the class and leaves with it. Only after `sparable` said yes. */
  take(kind: Kind, cls: HostClass): void {
    this.version++;
    const own = kind.flows.find((flow) => flow.class === cls) ?? kind.flows[0]!;
    this.addFlow(kind, own.class, -1);
    kind.placed--;
    this.hostRemoved(cls);
  }

  /** Marks the classes from which a place can be moved, step by step, to a spare host or to a place of `kind`. */
  private markSparable(kind: Kind): number {
    const mark = ++this.mark;
    stack.length = 0;
    const reach = (cls: HostClass) => {
      if (cls.mark === mark) return;
      cls.mark = mark;
      stack.push(cls);
    };
    for (const cls of this.classes) if (cls && cls.used < cls.size) reach(cls);
    for (const flow of kind.flows) reach(flow.class);
    const seenKinds = seen.reset(this.kinds.length);
    for (let cls = stack.pop(); cls !== undefined; cls = stack.pop()) {
      const { row } = cls;
      for (let at = 0; at < row.length; at += 2) {
        const word = row[at]!;
        const fresh = row[at + 1]! & ~seenKinds[word]!;
        seenKinds[word]! |= fresh;
        for (let bits = fresh; bits !== 0; bits &= bits - 1) {
          const next = this.kinds[word * BITS_A_WORD + lowestBit(bits)]!;
          for (const flow of next.flows) reach(flow.class);
        }
      }
    }
    return mark;
  }

  /**
   * Follows every way in which places can move on when one place of the class, or for a claim of the kind, is
   * needed; stops at the first spare host.
   */
  private explore(cls: HostClass | null, kind: Kind | null): void {
    const mark = ++this.mark;
    const seenClasses = seen.reset(this.classes.length);
    this.spareClass = null;
    this.lowestKind = null;
    stack.length = 0;
    if (kind !== null) {
      kind.mark = mark;
      kind.from = null;
      this.exploreKind(kind, seenClasses);
    } else if (cls !== null) {
      cls.from = null;
      seenClasses[cls.slot >> 5]! |= 1 << (cls.slot & 31);
      if (cls.used < cls.size) this.spareClass = cls;
      else stack.push(cls);
    }
    let lowest: Claim | undefined;
    while (this.spareClass === null) {
      const next = stack.pop();
      if (next === undefined) return;
      const { flows } = next;
      for (let i = 0; i < flows.length; i++) {
        const reached = flows[i]!.kind;
        if (reached.mark === mark) continue;
        reached.mark = mark;
        reached.from = next;
        const last = reached.claims[reached.placed - 1]!;
        if (lowest === undefined || compareClaims(last, lowest) > 0) {
          lowest = last;
          this.lowestKind = reached;
        }
        this.exploreKind(reached, seenClasses);
      }
    }
  }

  private exploreKind(kind: Kind, seenClasses: Int32Array): void {
    const { row } = kind;
    for (let at = 0; at < row.length; at += 2) {
      const word = row[at]!;
      const fresh = row[at + 1]! & ~seenClasses[word]!;
      if (fresh === 0) continue;
      const spare = fresh & this.spare[word]!;
      if (spare !== 0) {
        this.spareClass = this.classes[word * BITS_A_WORD + lowestBit(spare)]!;
        this.spareClass.from = kind;
        return;
      }
      seenClasses[word]! |= fresh;
      for (let bits = fresh; bits !== 0; bits &= bits - 1) {
        const cls = this.classes[word * BITS_A_WORD + lowestBit(bits)]!;
        cls.from = kind;
        stack.push(cls);
      }
    }
  }

  /** Frees one place at the start of the last `explore`: into the spare host, or at the cost of the lowest claim. */
  private vacate(): void {
    let cls = this.spareClass;
    if (cls === null) {
      const loser = this.lowestKind!;
      cls = loser.from!;
      this.addFlow(loser, cls, -1);
      loser.placed--;
      this.unplaced++;
    }
    while (cls.from !== null) {
      const mover: Kind = cls.from;
      this.addFlow(mover, cls, 1);
      if (mover.from === null) return;
      this.addFlow(mover, mover.from, -1);
      cls = mover.from;
    }
  }

  /** Gives the spare host of the class to the highest claim that can be served with it. */
  private fill(cls: HostClass): void {
    if (this.unplaced === 0) return;
    const mark = ++this.mark;
    const seenKinds = seen.reset(this.kinds.length);
    let best: Kind | null = null;
    stack.length = 0;
    cls.mark = mark;
    cls.from = null;
    stack.push(cls);
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { row } = next;
      for (let at = 0; at < row.length; at += 2) {
        const word = row[at]!;
        const fresh = row[at + 1]! & ~seenKinds[word]!;
        seenKinds[word]! |= fresh;
        for (let bits = fresh; bits !== 0; bits &= bits - 1) {
          const kind = this.kinds[word * BITS_A_WORD + lowestBit(bits)]!;
          kind.from = next;
          const first = kind.firstUnplaced;
          if (first && (best === null || compareClaims(first, best.firstUnplaced!) < 0)) best = kind;
          for (const flow of kind.flows) {
            if (flow.class.mark === mark) continue;
            flow.class.mark = mark;
            flow.class.from = kind;
            stack.push(flow.class);
          }
        }
      }
    }
    if (best === null) return;
    best.placed++;
    this.unplaced--;
    for (let mover: Kind = best; ; ) {
      const to: HostClass = mover.from!;
      this.addFlow(mover, to, 1);
      if (to.from === null) return;
      mover = to.from;
      this.addFlow(mover, to, -1);
    }
  }

  private addFlow(kind: Kind, cls: HostClass, change: number): void {
    const shorter = kind.flows.length < cls.flows.length ? kind.flows : cls.flows;
    let flow = shorter.find((candidate) => candidate.kind === kind && candidate.class === cls);
    if (flow === undefined) {
      flow = { kind, class: cls, count: 0 };
      kind.flows.push(flow);
      cls.flows.push(flow);
    }
    flow.count += change;
    if (flow.count === 0) {
      dropFlow(kind.flows, flow);
      dropFlow(cls.flows, flow);
    }
    cls.used += change;
    this.noteSpare(cls);
  }

  private noteSpare(cls: HostClass): void {
    const word = cls.slot >> 5;
    while (this.spare.length <= word) this.spare.push(0);
    const bit = 1 << (cls.slot & 31);
    if (cls.used < cls.size) this.spare[word]! |= bit;
    else this.spare[word]! &= ~bit;
  }
}

function dropFlow(flows: Flow[], flow: Flow): void {
  const at = flows.indexOf(flow);
  const last = flows.pop()!;
  if (last !== flow) flows[at] = last;
}
