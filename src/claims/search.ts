/**
 * Ways in which places can move on in a network: a claim of some kind gives up its place in a class and takes one in
 * another class that fits, whose claim takes one in a third class, and so on. Each search leaves the way it came in
 * the `from` of kinds and classes, and the moves along that way are made afterwards.
 */
import { addRow, BITS_A_WORD, lowestBit, ScratchBits } from "./bits.ts";
import type { Claim } from "./claim.ts";
import { flowOf, type HostClass, type Kind, type Network } from "./network.ts";
import { compareClaims } from "./priority.ts";

// A search runs to its end within one call, so all of them can share these.
const seenClasses = new ScratchBits();
const seenKinds = new ScratchBits();
const goalClasses = new ScratchBits();
/** The classes that a search has come to, in the order in which it goes on from them: shortest ways first. */
const found: HostClass[] = [];
let lastMark = 0;

/** Where a place can be had. */
export type Opening =
  | { readonly type: "spare"; readonly class: HostClass }
  /** Only in the place of the last placed claim of this kind, the lowest of all that could be had. */
  | { readonly type: "loser"; readonly kind: Kind }
  | { readonly type: "none" };

const NONE: Opening = { type: "none" };

/** Where a search begins: at a claim of a kind that has no place, or at a host that goes out of use. */
type Start = { readonly kind: Kind } | { readonly class: HostClass };

/** Where a search may stop before it has seen everything. */
interface Goal {
  /** Bits of the classes at which it stops. */
  readonly classes: readonly number[] | Int32Array;
  /** It is in the places of this kind, null: at a spare host. */
  readonly kind: Kind | null;
}

/** The best way to get a place for a claim of a kind, or to take a host of a class out of use. */
export function findOpening(network: Network, start: Start): Opening {
  return search(network, start, bestGoal(network));
}

/** The same, but only a spare host will do. `dead`: bits of classes that need not be looked at. */
export function findSpare(network: Network, kind: Kind, dead: Int32Array): Opening {
  const opening = search(network, { kind }, { classes: network.spare, kind: null }, dead);
  return opening.type === "spare" ? opening : NONE;
}

/** Nothing is better than a spare host. Where there is none, nothing is better than the lowest place of all. */
function bestGoal(network: Network): Goal {
  const kind = network.spareClasses > 0 ? null : (network.byLastPlaced.kinds.at(-1) ?? null);
  return { classes: kind === null ? network.spare : bitsOfFlows(network, kind), kind };
}

function bitsOfFlows(network: Network, kind: Kind): Int32Array {
  const bits = goalClasses.reset(network.classes.length);
  for (const flow of kind.flows) addBit(bits, flow.class.slot);
  return bits;
}

function search(network: Network, start: Start, goal: Goal, dead: Int32Array | null = null): Opening {
  const { kinds } = network;
  const reached = seenKinds.reset(kinds.length);
  const seen = seenClasses.reset(network.classes.length);
  if (dead !== null) seen.set(dead.subarray(0, seen.length));
  let left = network.byLastPlaced.kinds.length;
  found.length = 0;
  if ("kind" in start) {
    const { kind } = start;
    kind.from = null;
    addBit(reached, kind.slot);
    if (kind.placed > 0) left--;
    const end = reachClasses(network, kind, seen, goal.classes);
    if (end !== null) return openingAt(end, goal);
  } else {
    const cls = start.class;
    cls.from = null;
    if (cls.used < cls.size) return { type: "spare", class: cls };
    addBit(seen, cls.slot);
    found.push(cls);
  }
  let lowest: Claim | null = null;
  let loser: Kind | null = null;
  // Where every kind with places has been reached, further classes can add nothing.
  for (let next = 0; left > 0 && next < found.length; next++) {
    const cls = found[next]!;
    const { claimants } = cls;
    for (let at = 0; at < claimants.length; at += 2) {
      const word = claimants[at]!;
      const fresh = claimants[at + 1]! & ~reached[word]!;
      reached[word]! |= fresh;
      for (let bits = fresh; bits !== 0; bits &= bits - 1) {
        const kind = kinds[word * BITS_A_WORD + lowestBit(bits)]!;
        kind.from = cls;
        if (kind === goal.kind) return { type: "loser", kind };
        left--;
        const last = kind.lastPlaced!;
        if (lowest === null || compareClaims(last, lowest) > 0) {
          lowest = last;
          loser = kind;
        }
        const end = reachClasses(network, kind, seen, goal.classes);
        if (end !== null) return openingAt(end, goal);
      }
    }
  }
  return loser === null ? NONE : { type: "loser", kind: loser };
}

function openingAt(end: HostClass, { kind }: Goal): Opening {
  if (kind === null) return { type: "spare", class: end };
  kind.from = end;
  return { type: "loser", kind };
}

/** Notes the classes that fit the kind and are new; stops at one that is a goal, and returns it. */
function reachClasses(
  network: Network,
  kind: Kind,
  seen: Int32Array,
  goal: Goal["classes"],
): HostClass | null {
  const { row } = kind;
  const { classes } = network;
  for (let at = 0; at < row.length; at += 2) {
    const word = row[at]!;
    const fresh = row[at + 1]! & ~seen[word]!;
    if (fresh === 0) continue;
    const end = fresh & goal[word]!;
    if (end !== 0) {
      const cls = classes[word * BITS_A_WORD + lowestBit(end)]!;
      cls.from = kind;
      return cls;
    }
    seen[word]! |= fresh;
    for (let bits = fresh; bits !== 0; bits &= bits - 1) {
      const cls = classes[word * BITS_A_WORD + lowestBit(bits)]!;
      cls.from = kind;
      found.push(cls);
    }
  }
  return null;
}

/** After a `findSpare` that found nothing: the classes it has seen, which no later search need enter again. */
export function classesSeen(): Int32Array {
  return seenClasses.words;
}

/** Makes the moves that lead from the start of the last search to what it found; a loser loses its place. */
export function moveInto(network: Network, opening: Opening): void {
  if (opening.type === "none") return;
  let cls: HostClass;
  if (opening.type === "spare") cls = opening.class;
  else {
    const { kind } = opening;
    cls = kind.from!;
    network.addFlow(kind, cls, -1);
    network.setPlaced(kind, kind.placed - 1);
  }
  while (cls.from !== null) {
    const mover: Kind = cls.from;
    network.addFlow(mover, cls, 1);
    if (mover.from === null) return;
    network.addFlow(mover, mover.from, -1);
    cls = mover.from;
  }
}

/**
 * Marks the classes from which a place can be moved on into one of `starts`; the result is the mark. Stops at a class
 * that fits `goal`, where one is given, and tells it.
 */
function markSources(
  network: Network,
  starts: Iterable<HostClass>,
  goal: Kind | null = null,
): { mark: number; end: HostClass | null } {
  const mark = ++lastMark;
  found.length = 0;
  const classBits = seenClasses.reset(network.classes.length);
  const kindBits = seenKinds.reset(network.kinds.length);
  const goalBits = goalClasses.reset(network.classes.length);
  if (goal !== null) addRow(goalBits, goal.row);
  for (const cls of starts) {
    cls.mark = mark;
    cls.from = null;
    if (hasBit(goalBits, cls.slot)) return { mark, end: cls };
    addBit(classBits, cls.slot);
    found.push(cls);
  }
  const { kinds, served } = network;
  let left = network.byLastPlaced.kinds.length;
  for (let next = 0; left > 0 && next < found.length; next++) {
    const { row } = found[next]!;
    for (let at = 0; at < row.length; at += 2) {
      const word = row[at]!;
      const fresh = row[at + 1]! & served[word]! & ~kindBits[word]!;
      kindBits[word]! |= fresh;
      for (let bits = fresh; bits !== 0; bits &= bits - 1) {
        const kind = kinds[word * BITS_A_WORD + lowestBit(bits)]!;
        kind.from = found[next]!;
        left--;
        for (const flow of kind.flows) {
          const cls = flow.class;
          if (cls.mark === mark) continue;
          cls.mark = mark;
          cls.from = kind;
          if (hasBit(goalBits, cls.slot)) return { mark, end: cls };
          addBit(classBits, cls.slot);
          found.push(cls);
        }
      }
    }
  }
  return { mark, end: null };
}

/** Gives the one spare host of the class to the highest claim that can be served with it, if there is any. */
export function fillSpare(network: Network, cls: HostClass): void {
  const waiting = network.byFirstUnplaced.kinds;
  const highest = waiting[0];
  if (highest === undefined) return;
  const { end } = markSources(network, [cls], highest);
  if (end !== null) {
    highest.from = end;
    moveUp(network, highest);
    return;
  }
  const classBits = seenClasses.words;
  const kindBits = seenKinds.words;
  for (const kind of waiting) {
    if (!hasBit(kindBits, kind.slot)) {
      const slot = commonBit(kind.row, classBits);
      if (slot < 0) continue;
      kind.from = network.classes[slot]!;
    }
    moveUp(network, kind);
    return;
  }
}

/** The first claim of the kind that has no place gets one, by the moves that `markSources` found. */
function moveUp(network: Network, kind: Kind): void {
  network.setPlaced(kind, kind.placed + 1);
  for (let mover = kind; ; ) {
    const to: HostClass = mover.from!;
    network.addFlow(mover, to, 1);
    if (to.from === null) return;
    mover = to.from;
    network.addFlow(mover, to, -1);
  }
}

function addBit(bits: Int32Array, bit: number): void {
  bits[bit >> 5]! |= 1 << (bit & 31);
}

function hasBit(bits: Int32Array, bit: number): boolean {
  return (bits[bit >> 5]! & (1 << (bit & 31))) !== 0;
}

function commonBit(row: readonly number[], bits: Int32Array): number {
  for (let at = 0; at < row.length; at += 2) {
    const common = row[at + 1]! & bits[row[at]!]!;
    if (common !== 0) return row[at]! * BITS_A_WORD + lowestBit(common);
  }
  return -1;
}

/**
 * Tells, of any class that fits `kind`, whether a placed claim of the kind could take one of its hosts and leave with
 * it, and nobody else would lose a place. Valid until the next search.
 */
export function sparable(network: Network, kind: Kind): (cls: HostClass) => boolean {
  let asked = false;
  let mark = 0;
  return (cls) => {
    if (cls.used < cls.size || flowOf(kind, cls) !== undefined) return true;
    // Mostly the first one can, and not much has to be seen for that; the second question is worth knowing all.
    if (!asked) {
      asked = true;
      return leadsToPlace(network, cls, kind);
    }
    if (mark === 0) {
      const spare = network.classes.filter((other) => other?.spare) as HostClass[];
      mark = markSources(network, [...spare, ...kind.flows.map((flow) => flow.class)]).mark;
    }
    return cls.mark === mark;
  };
}

/** Those who have their places in the class can move on to a spare host, or to the place of a claim of the kind. */
function leadsToPlace(network: Network, cls: HostClass, kind: Kind): boolean {
  const classes = bitsOfFlows(network, kind);
  const { spare } = network;
  for (let word = 0; word < spare.length; word++) classes[word]! |= spare[word]!;
  return search(network, { class: cls }, { classes, kind: null }).type === "spare";
}
