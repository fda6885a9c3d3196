import { Random } from "../simulation/random.ts";
import type { Mood } from "./link.ts";

/**
 * What can happen to a cluster, and how many cards of the deck it has: what takes the API server away stops
 * everything else, so there are few of those. faults.ts says what each does.
 */
const CARDS = {
  kill: 2,
  freeze: 2,
  partition: 3,
  "no-leader": 1,
  reviews: 2,
  "late-storage": 2,
  "controller-partition": 2,
  "controller-restart": 1,
  "api-server-kill": 1,
  "api-server-restart": 1,
  "api-server-freeze": 1,
  "etcd-restart": 1,
  certificates: 2,
  "lease-deleted": 1,
  compaction: 1,
} as const;

export type Fault = keyof typeof CARDS;

export const FAULTS = Object.keys(CARDS) as readonly Fault[];

export interface PlannedFault {
  readonly fault: Fault;
  /** From the start of the faults. */
  readonly atMs: number;
  /** "binding": strikes when the next ClaimRequest has taken a binding, in the middle of a claim. */
  readonly moment: "at once" | "binding";
  /** Which replica, or controller: the leader, or one by its number (modulo how many there are). */
  readonly target: "leader" | number;
  readonly lastsMs: number;
  /** For partitions and reviews. */
  readonly mood: Mood;
  readonly delayMs: number;
  /** For certificates. */
  readonly how: "renew" | "rotate" | "lose";
}

/** How long each lasts, milliseconds. What is not listed is over as soon as it has happened. */
const LASTS_MS: Partial<Record<Fault, readonly [least: number, most: number]>> = {
  kill: [0, 3_000],
  // The Lease lasts 3 s: most of these are longer.
  freeze: [2_000, 7_000],
  partition: [1_000, 9_000],
  // Longer than the Lease lasts, counted from its last renewal, which may still arrive.
  "no-leader": [5_000, 9_000],
  reviews: [1_000, 7_000],
  // Less than the 10 s after which clients give up, and more than it takes another leader to settle a binding.
  "late-storage": [4_000, 9_500],
  "controller-partition": [1_000, 8_000],
  "api-server-kill": [0, 2_000],
  "api-server-freeze": [1_000, 5_000],
};

/** How often a fault strikes the leader, who is one of three, rather than somebody. */
const AT_LEADER = 0.5;
const WHILE_BINDING = 0.4;
/** From one burst to the next. */
const PAUSE_MS = [800, 4_000] as const;
/** Within a burst. */
const APART_MS = [0, 1_500] as const;

/** Every kind has come once by then; in a run that is too short for that, within this part of it. */
const FIRST_ROUND_MS = 36_000;
const FIRST_ROUND_PART = 0.8;

/**
 * The faults of a run: one, two or three at once, then a pause. Each kind comes once before any comes again, however
 * short the run is: as many at once as are needed. From then on they are dealt from a shuffled deck. The same for the
 * same seed and kinds; a longer run only goes on longer, once it is long enough for the first round.
 */
export function scheduleOf(
  seed: number,
  durationMs: number,
  kinds: readonly Fault[] = FAULTS,
): PlannedFault[] {
  const random = new Random(seed).fork("schedule");
  const cards = kinds.flatMap((kind) => Array<Fault>(CARDS[kind]).fill(kind));
  let planned: PlannedFault[] = [];
  let deck = shuffled(kinds, random);
  let atMs = 500;
  while ((atMs < durationMs || planned.length < kinds.length) && kinds.length > 0) {
    const burst = random.pick([1, 1, 1, 2, 2, 3])!;
    for (let nth = 0; nth < burst; nth++) {
      planned.push(plan(deck.pop()!, atMs, random));
      if (planned.length === kinds.length) {
        const share = Math.min(1, Math.min(FIRST_ROUND_MS, durationMs * FIRST_ROUND_PART) / atMs);
        planned = planned.map((fault) => ({ ...fault, atMs: Math.round(fault.atMs * share) }));
        atMs *= share;
      }
      if (deck.length === 0) deck = shuffled(cards, random);
      atMs += random.between(...APART_MS);
    }
    atMs += random.between(...PAUSE_MS);
  }
  return planned.filter((fault) => fault.atMs < durationMs);
}

/** Every field is drawn for every fault, so that a change of one kind leaves the others of a seed alone. */
function plan(fault: Fault, atMs: number, random: Random): PlannedFault {
  const anybody = random.integer(0, 11);
  const cut = random.pick<Mood>(["silent", "silent", "mute", "deaf", "reset", "slow"])!;
  const slowed = random.pick<Mood>(["slow", "slow", "silent", "reset"])!;
  const [least, most] = LASTS_MS[fault] ?? [0, 0];
  return {
    fault,
    atMs: Math.round(atMs),
    target: random.chance(AT_LEADER) ? "leader" : anybody,
    moment: random.chance(WHILE_BINDING) ? "binding" : "at once",
    lastsMs: Math.round(random.between(least, most)),
    mood: fault === "reviews" ? slowed : cut,
    delayMs: random.integer(100, 1_500),
    how: random.pick(["renew", "rotate", "rotate", "lose"] as const)!,
  };
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const order = list.map((value) => ({ value, rank: random.next() }));
  return order.sort((a, b) => a.rank - b.rank).map(({ value }) => value);
}
