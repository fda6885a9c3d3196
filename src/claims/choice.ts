/** Which host a claim is given (design section 6): one that costs nobody a place, and of those the best. */
import { bitsOf } from "./bits.ts";
import type { Claim, Host } from "./claim.ts";
import { flowOf, type HostClass, type Kind, type Network } from "./network.ts";
import { compareClaims } from "./priority.ts";
import { hardwareKnown, isKeptFor, preferredCount } from "./requirements.ts";
import { findOpening, moveInto, sparable } from "./search.ts";
import { isBefore } from "./seats.ts";

/** Preferences can't weigh as much: no object has room for so many. */
const KEPT_WEIGHT = 2 ** 32;

/** Greater is better: first kept for the claim, then preferred tags and labels, then a known fit over an unknown one. */
function merit({ requirements }: Kind, cls: HostClass): number {
  const { host } = cls.members[0]!;
  const kept = isKeptFor(requirements, host) ? KEPT_WEIGHT : 0;
  return kept + 2 * preferredCount(requirements, host) + (hardwareKnown(requirements, host) ? 1 : 0);
}

/** The first host by name that the class still has. */
function headOf(cls: HostClass): Host {
  return cls.members[cls.head]!.host;
}

/** The host that a placed claim of the kind should take now. Hosts of a class are equally good but for their names. */
export function chooseHost(network: Network, kind: Kind): Host {
  const maySpare = sparable(network, kind);
  let best: HostClass | null = null;
  let bestMerit = -1;
  for (const slot of bitsOf(kind.row)) {
    const cls = network.classes[slot]!;
    const worth = merit(kind, cls);
    if (worth < bestMerit || (worth === bestMerit && isBefore(headOf(best!), headOf(cls)))) continue;
    if (!maySpare(cls)) continue;
    best = cls;
    bestMerit = worth;
  }
  // The class in which the claim has its place can always spare that.
  return headOf(best!);
}

export interface Assignment {
  readonly claim: Claim;
  readonly hostUid: string;
}

/**
 * The hosts of the first `most` placed claims, by priority: what comes of giving the highest claim its host, taking
 * both out, and so on. The set of placed claims stays the same but for the one that left, so one pass through it is
 * enough.
 */
export function placeFirst(original: Network, most: number): Assignment[] {
  const placed: { claim: Claim; slot: number }[] = [];
  for (const kind of original.kinds) {
    for (let i = 0; kind && i < Math.min(kind.placed, most); i++) {
      placed.push({ claim: kind.claims[i]!, slot: kind.slot });
    }
  }
  placed.sort((a, b) => compareClaims(a.claim, b.claim));
  placed.length = Math.min(placed.length, most);

  const network = original.copy();
  const byHead = network.classes.filter((cls) => cls !== undefined);
  byHead.sort((a, b) => (isBefore(headOf(a), headOf(b)) ? -1 : 1));
  const merits = new Map<Kind, Merits>();
  return placed.map(({ claim, slot }) => {
    const kind = network.kinds[slot]!;
    let known = merits.get(kind);
    if (known === undefined) {
      known = meritsOf(kind, network);
      merits.set(kind, known);
    }
    const at = bestIndex(byHead, known, sparable(network, kind));
    const cls = byHead[at]!;
    const { uid } = headOf(cls);
    take(network, kind, cls);
    byHead.splice(at, 1);
    if (cls.size > 0) byHead.splice(headIndex(byHead, headOf(cls)), 0, cls);
    return { claim, hostUid: uid };
  });
}

/** A placed claim of the kind takes the first host of the class, and both leave. Only after `sparable` said yes. */
function take(network: Network, kind: Kind, cls: HostClass): void {
  const own = flowOf(kind, cls) ?? kind.flows[0]!;
  network.addFlow(kind, own.class, -1);
  network.setPlaced(kind, kind.placed - 1);
  moveInto(network, findOpening(network, { class: cls }));
  cls.size--;
  cls.head++;
  network.noteSpare(cls);
}

interface Merits {
  /** By class slot; absent where the class does not fit. */
  readonly of: ReadonlyMap<number, number>;
  readonly greatest: number;
}

function meritsOf(kind: Kind, network: Network): Merits {
  const of = new Map<number, number>();
  let greatest = -1;
  for (const slot of bitsOf(kind.row)) {
    const worth = merit(kind, network.classes[slot]!);
    of.set(slot, worth);
    greatest = Math.max(greatest, worth);
  }
  return { of, greatest };
}

/** The best class that can spare a host; of equally good ones the first in `byHead`. */
function bestIndex(
  byHead: readonly HostClass[],
  merits: Merits,
  maySpare: (cls: HostClass) => boolean,
): number {
  let best = -1;
  let bestMerit = -1;
  for (let at = 0; at < byHead.length && bestMerit < merits.greatest; at++) {
    const cls = byHead[at]!;
    const worth = merits.of.get(cls.slot) ?? -1;
    if (worth <= bestMerit || !maySpare(cls)) continue;
    best = at;
    bestMerit = worth;
  }
  return best;
}

function headIndex(byHead: readonly HostClass[], host: Host): number {
  let low = 0;
  let high = byHead.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(headOf(byHead[middle]!), host)) low = middle + 1;
    else high = middle;
  }
  return low;
}
