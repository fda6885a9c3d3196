/**
 * Kinds of claims, classes of hosts, and how many claims of each kind have their places in each class. Claims that ask
 * the same and hosts that say the same are interchangeable, so numbers are enough.
 */
import { type BitRow, bitsOf, clearBit, NO_BITS, setBit } from "./bits.ts";
import type { Claim, Host, Requirements } from "./claim.ts";
import { inserted, removed } from "./lists.ts";
import { Ranking } from "./ranking.ts";
import type { Lookup, Term } from "./vocabulary.ts";

/** A host of the queue and the class it is in. */
export interface Seat {
  host: Host;
  class: HostClass;
}

/** A claim of the queue and the kind it is of. */
export interface Ticket {
  claim: Claim;
  kind: Kind;
}

/** How many claims of a kind have their places in a class; never 0. */
export interface Flow {
  readonly class: HostClass;
  count: number;
}

const NO_FLOWS: readonly Flow[] = [];
const NO_LOOKUPS: readonly Lookup[] = [];

/** The claims with the same requirements. */
export class Kind {
  readonly key: string;
  readonly requirements: Requirements;
  slot = -1;
  /** By priority. */
  claims: readonly Claim[] = [];
  /** This many of them, the first ones, have a place. */
  placed = 0;
  /** The last of these, and the first of the others; null where there is none. */
  lastPlaced: Claim | null = null;
  firstUnplaced: Claim | null = null;
  /** Slots of the classes that fit. */
  row: BitRow = NO_BITS;
  flows: readonly Flow[] = NO_FLOWS;
  /** Where the last search that reached it came from. */
  from: HostClass | null = null;
  /** Where new classes find it, in at most one of them each. */
  lookups: readonly Lookup[] = NO_LOOKUPS;

  constructor(key: string, requirements: Requirements) {
    this.key = key;
    this.requirements = requirements;
  }
}

/** The seats of a class by what their hosts say about one word. */
export interface Parts {
  /** What the first host says, and every host that is not in `others`; undefined before there is a first. */
  usual: Term | null | undefined;
  /** null: none. */
  others: Map<Term | null, Seat[]> | null;
}

/** The hosts that say the same about everything that requirements mention. */
export class HostClass {
  key: string;
  terms: readonly Term[];
  slot = -1;
  /** By name. */
  members: readonly Seat[] = [];
  /** How many of `members`, from `head` on, count. They all do, but in a copy some are gone. */
  size = 0;
  head = 0;
  /** Places taken. */
  used = 0;
  /** There are more hosts than places taken, as far as the network was told. */
  spare = false;
  /** Slots of the kinds that fit. */
  row: BitRow = NO_BITS;
  /** Slots of the kinds that have places in it. */
  claimants: BitRow = NO_BITS;
  /** Where the last search that reached it came from; `mark` is the number of a search that marks. */
  mark = 0;
  from: Kind | null = null;
  /** Whose last placed claim is the answer of `weakest`; valid in that version of the matching. */
  weakest: Kind | null = null;
  weakestVersion = -1;
  /** What its hosts say about a word, while that is being taken up. */
  parts: Parts | null = null;

  constructor(key: string, terms: readonly Term[]) {
    this.key = key;
    this.terms = terms;
  }
}

export class Network {
  /** By slot; undefined where a slot is free. */
  classes: readonly (HostClass | undefined)[] = [];
  kinds: readonly (Kind | undefined)[] = [];
  private freeClassSlots: readonly number[] = NO_BITS;
  private freeKindSlots: readonly number[] = NO_BITS;
  /** Bits of the classes with a spare host, and how many these are. */
  spare: readonly number[] = NO_BITS;
  spareClasses = 0;
  /** Bits of the kinds with places, and these by their last placed claims. */
  served: readonly number[] = NO_BITS;
  readonly byLastPlaced = new Ranking();
  /** The kinds with claims that have no place, by the first of these. */
  readonly byFirstUnplaced = new Ranking();
  /** How many claims have no place. */
  unplaced = 0;
  /** Counts whatever may change an answer: hosts and claims that come and go, not how they are sorted. */
  version = 0;

  /** An independent copy, to try things out; hosts and claims are shared, and not to be added or removed in it. */
  copy(): Network {
    const copy = new Network();
    for (const original of this.kinds) {
      const kind = original && new Kind(original.key, original.requirements);
      if (kind) {
        const { claims, row, slot } = original;
        Object.assign(kind, { claims, row, slot });
      }
      copy.kinds = stored(copy.kinds, copy.kinds.length, kind);
    }
    for (const original of this.classes) {
      const cls = original && new HostClass(original.key, original.terms);
      if (cls)
        Object.assign(cls, { ...original, claimants: NO_BITS, mark: 0, from: null, used: 0, spare: false });
      copy.classes = stored(copy.classes, copy.classes.length, cls);
      if (!cls) continue;
      copy.noteSpare(cls);
    }
    for (const original of this.kinds) {
      if (original === undefined) continue;
      const kind = copy.kinds[original.slot]!;
      for (const flow of original.flows) copy.addFlow(kind, copy.classes[flow.class.slot]!, flow.count);
      copy.setPlaced(kind, original.placed);
    }
    return copy;
  }

  addKind(kind: Kind): void {
    kind.slot = this.freeKindSlots.at(-1) ?? this.kinds.length;
    if (kind.slot < this.kinds.length)
      this.freeKindSlots = removed(this.freeKindSlots, this.freeKindSlots.length - 1);
    this.kinds = stored(this.kinds, kind.slot, kind);
  }

  /** Of a kind without claims. */
  removeKind(kind: Kind): void {
    for (const slot of bitsOf(kind.row)) {
      const cls = this.classes[slot]!;
      cls.row = clearBit(cls.row, kind.slot);
    }
    this.kinds = stored(this.kinds, kind.slot, undefined);
    this.freeKindSlots = inserted(this.freeKindSlots, this.freeKindSlots.length, kind.slot);
  }

  addClass(cls: HostClass): void {
    cls.slot = this.freeClassSlots.at(-1) ?? this.classes.length;
    if (cls.slot < this.classes.length) {
      this.freeClassSlots = removed(this.freeClassSlots, this.freeClassSlots.length - 1);
    }
    this.classes = stored(this.classes, cls.slot, cls);
  }

  /** Of a class without hosts. */
  removeClass(cls: HostClass): void {
    for (const slot of bitsOf(cls.row)) {
      const kind = this.kinds[slot]!;
      kind.row = clearBit(kind.row, cls.slot);
    }
    this.classes = stored(this.classes, cls.slot, undefined);
    this.freeClassSlots = inserted(this.freeClassSlots, this.freeClassSlots.length, cls.slot);
  }

  /** Says, before the class or the kind has members, that its hosts fit its claims. */
  addFit(kind: Kind, cls: HostClass): void {
    kind.row = setBit(kind.row, cls.slot);
    cls.row = setBit(cls.row, kind.slot);
  }

  /** The hosts of the second class, which has none yet, fit the same kinds as those of the first. */
  copyFits(from: HostClass, to: HostClass): void {
    to.row = from.row.slice();
    for (const slot of bitsOf(to.row)) {
      const kind = this.kinds[slot]!;
      kind.row = setBit(kind.row, to.slot);
    }
  }

  /** Moves hosts, and places as far as they go, to a new class that fits the same kinds. */
  splitOff(from: HostClass, to: HostClass, hosts: number): void {
    to.size = hosts;
    let room = hosts;
    for (const slot of [...bitsOf(from.claimants)]) {
      const kind = this.kinds[slot]!;
      const moved = Math.min(room, flowOf(kind, from)!.count);
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
    to.size += from.size;
    for (const slot of [...bitsOf(from.claimants)]) {
      const kind = this.kinds[slot]!;
      const { count } = flowOf(kind, from)!;
      this.addFlow(kind, from, -count);
      this.addFlow(kind, to, count);
    }
    from.size = 0;
    this.noteSpare(from);
    this.noteSpare(to);
  }

  /** Of the kind, the first `placed` claims have places now. */
  setPlaced(kind: Kind, placed: number): void {
    this.unplaced += kind.placed - placed;
    kind.placed = placed;
    this.served = withBit(this.served, kind.slot, placed > 0);
    this.noteClaims(kind);
  }

  /** After the claims of the kind have changed, or how many of them have places. */
  noteClaims(kind: Kind): void {
    const { claims, placed, lastPlaced, firstUnplaced } = kind;
    const last = placed > 0 ? claims[placed - 1]! : null;
    if (last !== lastPlaced) {
      kind.lastPlaced = last;
      this.byLastPlaced.move(kind, lastPlaced, last);
    }
    const first = placed < claims.length ? claims[placed]! : null;
    if (first !== firstUnplaced) {
      kind.firstUnplaced = first;
      this.byFirstUnplaced.move(kind, firstUnplaced, first);
    }
  }

  /** Gives the kind more places in the class, or fewer. */
  addFlow(kind: Kind, cls: HostClass, change: number): void {
    let flow = flowOf(kind, cls);
    if (flow === undefined) {
      flow = { class: cls, count: 0 };
      kind.flows = inserted(kind.flows, kind.flows.length, flow);
      cls.claimants = setBit(cls.claimants, kind.slot);
    }
    flow.count += change;
    if (flow.count === 0) {
      kind.flows = removed(kind.flows, kind.flows.indexOf(flow));
      cls.claimants = clearBit(cls.claimants, kind.slot);
    }
    cls.used += change;
    this.noteSpare(cls);
  }

  /** After the number of hosts or places of the class has changed. */
  noteSpare(cls: HostClass): void {
    const spare = cls.used < cls.size;
    if (spare === cls.spare) return;
    cls.spare = spare;
    this.spareClasses += spare ? 1 : -1;
    this.spare = withBit(this.spare, cls.slot, spare);
  }
}

/** The kind's places in the class; undefined when it has none there. */
export function flowOf(kind: Kind, cls: HostClass): Flow | undefined {
  const { flows } = kind;
  for (let i = 0; i < flows.length; i++) if (flows[i]!.class === cls) return flows[i];
  return undefined;
}

/** Where there is no bit yet, all before it are made too. */
function withBit(words: readonly number[], slot: number, on: boolean): readonly number[] {
  const word = slot >> 5;
  let list = words;
  while (list.length <= word) list = inserted(list, list.length, 0);
  const bit = 1 << (slot & 31);
  (list as number[])[word] = on ? list[word]! | bit : list[word]! & ~bit;
  return list;
}

function stored<T>(slots: readonly T[], slot: number, item: T): readonly T[] {
  if (slot === slots.length) return inserted(slots, slot, item);
  (slots as T[])[slot] = item;
  return slots;
}
