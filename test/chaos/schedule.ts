import { Random } from "../simulation/random.ts";
import type { Mood } from "./link.ts";

/** What can happen to a cluster. The table of what each does to it is in faults.ts. */
export const FAULTS = [
  "kill",
  "freeze",
  "partition",
  "reviews",
  "controller-partition",
  "controller-restart",
  "api-server-kill",
  "api-server-restart",
  "api-server-freeze",
  "etcd-restart",
  "certificates",
  "lease-deleted",
  "compaction",
] as const;

export type Fault = (typeof FAULTS)[number];

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
  reviews: [1_000, 7_000],
  "controller-partition": [1_000, 8_000],
  "api-server-kill": [0, 2_000],
  "api-server-freeze": [1_000, 5_000],
};

/** How often a fault strikes the leader, who is one of three, rather than somebody. */
const AT_LEADER = 0.5;
const WHILE_BINDING = 0.4;
/** From one burst to the next. */
const PAUSE_MS = [1_000, 5_000] as const;
/** Within a burst. */
const APART_MS = [0, 1_500] as const;

/**
 * The faults of a run: one, two or three at once, then a pause. Dealt from a shuffled deck, so that each kind comes
 * before any comes again. The same for the same seed and kinds; a longer run only goes on longer.
 */
export function scheduleOf(
  seed: number,
  durationMs: number,
  kinds: readonly Fault[] = FAULTS,
): PlannedFault[] {
  const random = new Random(seed).fork("schedule");
  const planned: PlannedFault[] = [];
  let deck: Fault[] = [];
  let atMs = 500;
  while (atMs < durationMs && kinds.length > 0) {
    const burst = random.pick([1, 1, 1, 2, 2, 3])!;
    for (let nth = 0; nth < burst; nth++) {
      if (deck.length === 0) deck = shuffled(kinds, random);
      planned.push(plan(deck.pop()!, atMs, random));
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
