/**
 * Ways in which places can move on in a network: a claim of some kind gives up its place in a class and takes one in
 * another class that fits, whose claim takes one in a third class, and so on. Each search leaves the way it came in
 * the `from` of kinds and classes, and the moves along that way are made afterwards.
 */
import { BITS_A_WORD, lowestBit, ScratchBits } from "./bits.ts";
import type { Claim } from "./claim.ts";
import { flowOf, type HostClass, type Kind, type Network } from "./network.ts";
import { compareClaims } from "./priority.ts";

// A search runs to its end within one call, so all of them can share these.
const seenClasses = new ScratchBits();
const seenKinds = new ScratchBits();
const stack: HostClass[] = [];
let lastMark = 0;

/** Where a place can be had. */
export type Opening =
  | { readonly type: "spare"; readonly class: HostClass }
  /** Only in the place of the last placed claim of this kind, the lowest of all that could be had. */
  | { readonly type: "loser"; readonly kind: Kind }
  | { readonly type: "none" };

const NONE: Opening = { type: "none" };

/**
 * The best way to get a place for a claim of a kind, or a host of a class out of use. `dead`: bits of classes that
 * need not be looked at, or null.
 */
export function findOpening(
  network: Network,
  start: { readonly kind: Kind } | { readonly class: HostClass },
  dead: Int32Array | null = null,
): Opening {
  const { kinds } = network;
  const reached = seenKinds.reset(kinds.length);
  const seen = seenClasses.reset(network.classes.length);
  if (dead !== null) seen.set(dead.subarray(0, seen.length));
  let left = network.servedKinds;
  stack.length = 0;
  if ("kind" in start) {
    const { kind } = start;
    kind.from = null;
    reached[kind.slot >> 5]! |= 1 << (kind.slot & 31);
    if (kind.placed > 0) left--;
    const spare = reachClasses(network, kind, seen);
    if (spare !== null) return { type: "spare", class: spare };
  } else {
    const cls = start.class;
    cls.from = null;
    if (cls.used < cls.size) return { type: "spare", class: cls };
    seen[cls.slot >> 5]! |= 1 << (cls.slot & 31);
    stack.push(cls);
  }
  let lowest: Claim | null = null;
  let loser: Kind | null = null;
  // Where every kind with places has been reached, further classes can add nothing.
  while (left > 0) {
    const next = stack.pop();
    if (next === undefined) break;
    const { claimants } = next;
    for (let at = 0; at < claimants.length; at += 2) {
      const word = claimants[at]!;
      const fresh = claimants[at + 1]! & ~reached[word]!;
      reached[word]! |= fresh;
      for (let bits = fresh; bits !== 0; bits &= bits - 1) {
        const kind = kinds[word * BITS_A_WORD + lowestBit(bits)]!;
        kind.from = next;
        left--;
        const last = kind.claims[kind.placed - 1]!;
        if (lowest === null || compareClaims(last, lowest) > 0) {
          lowest = last;
          loser = kind;
        }
        const spare = reachClasses(network, kind, seen);
        if (spare !== null) return { type: "spare", class: spare };
      }
    }
  }
  return loser === null ? NONE : { type: "loser", kind: loser };
}

/** Puts the classes that fit the kind, and are new, on the stack; stops at one with a spare host, and returns it. */
function reachClasses(network: Network, kind: Kind, seen: Int32Array): HostClass | null {
  const { row } = kind;
  const { classes, spare } = network;
  for (let at = 0; at < row.length; at += 2) {
    const word = row[at]!;
    const fresh = row[at + 1]! & ~seen[word]!;
    if (fresh === 0) continue;
    const free = fresh & spare[word]!;
    if (free !== 0) {
      const cls = classes[word * BITS_A_WORD + lowestBit(free)]!;
      cls.from = kind;
      return cls;
    }
    seen[word]! |= fresh;
    for (let bits = fresh; bits !== 0; bits &= bits - 1) {
      const cls = classes[word * BITS_A_WORD + lowestBit(bits)]!;
      cls.from = kind;
      stack.push(cls);
    }
  }
  return null;
}

/** After a `findOpening` that found nothing: the classes it has seen, which no later search need enter again. */
export function classesSeen(): Int32Array {
  return seenClasses.words;
}

/** Makes the moves that lead from the start of the last `findOpening` to what it found; a loser loses its place. */
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

/** Marks the classes from which a place can be moved on into one of `starts`; the result is the mark. */
function markSources(network: Network, starts: Iterable<HostClass>): number {
  const mark = ++lastMark;
  stack.length = 0;
  const classBits = seenClasses.reset(network.classes.length);
  const kindBits = seenKinds.reset(network.kinds.length);
  for (const cls of starts) {
    if (cls.mark === mark) continue;
    cls.mark = mark;
    cls.from = null;
    classBits[cls.slot >> 5]! |= 1 << (cls.slot & 31);
    stack.push(cls);
  }
  const { kinds, served } = network;
  for (let left = network.servedKinds; left > 0; ) {
    const next = stack.pop();
    if (next === undefined) break;
    const { row } = next;
    for (let at = 0; at < row.length; at += 2) {
      const word = row[at]!;
      const fresh = row[at + 1]! & served[word]! & ~kindBits[word]!;
      if (fresh === 0) continue;
      kindBits[word]! |= fresh;
      for (let bits = fresh; bits !== 0; bits &= bits - 1) {
        const kind = kinds[word * BITS_A_WORD + lowestBit(bits)]!;
        kind.from = next;
        left--;
        for (const flow of kind.flows) {
          const cls = flow.class;
          if (cls.mark === mark) continue;
          cls.mark = mark;
          cls.from = kind;
          classBits[cls.slot >> 5]! |= 1 << (cls.slot & 31);
          stack.push(cls);
        }
      }
    }
  }
  return mark;
}

/** Gives the one spare host of the class to the highest claim that can be served with it, if there is any. */
export function fillSpare(network: Network, cls: HostClass): void {
  if (network.unplaced === 0) return;
  markSources(network, [cls]);
  const classBits = seenClasses.words;
  const kindBits = seenKinds.words;
  let best: Kind | null = null;
  for (const kind of network.kinds) {
    if (kind === undefined || kind.placed === kind.claims.length) continue;
    const first = kind.claims[kind.placed]!;
    if (best !== null && compareClaims(first, best.claims[best.placed]!) > 0) continue;
    if ((kindBits[kind.slot >> 5]! & (1 << (kind.slot & 31))) !== 0) {
      best = kind;
      continue;
    }
    const slot = commonBit(kind.row, classBits);
    if (slot < 0) continue;
    kind.from = network.classes[slot]!;
    best = kind;
  }
  if (best === null) return;
  network.setPlaced(best, best.placed + 1);
  for (let mover: Kind = best; ; ) {
    const to: HostClass = mover.from!;
    network.addFlow(mover, to, 1);
    if (to.from === null) return;
    mover = to.from;
    network.addFlow(mover, to, -1);
  }
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
  let mark = 0;
  return (cls) => {
    if (cls.used < cls.size || flowOf(kind, cls) !== undefined) return true;
    if (mark === 0) {
      const spare = network.classes.filter((other) => other !== undefined && other.used < other.size);
      mark = markSources(network, [...(spare as HostClass[]), ...kind.flows.map((flow) => flow.class)]);
    }
    return cls.mark === mark;
  };
}
