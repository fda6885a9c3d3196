/** Who comes first (design section 5). */
import type { Claim, Requirements } from "./claim.ts";

/** Every claim starts with these points; source: the seed formula. */
const BASE_POINTS = 100;
/** For a claim that names neither required nor preferred tags; source: the seed formula. */
const SIMPLICITY_POINTS = 50;
/** One point is worth this much age. */
const POINT_MS = 60_000;

/**
 * The seed formula's integer, for people: 100, a point for every whole minute of age (none before the machine's
 * own creation time, where clocks differ), and the bonus. For comparing claims use compareClaims, which this never
 * contradicts at any time at which both claims exist.
 */
export function priorityPoints(claim: Claim, nowMs: number): number {
  return BASE_POINTS + Math.max(0, Math.floor((nowMs - claim.createdAtMs) / POINT_MS)) + claim.bonusPoints;
}

/**
 * The moment since which the claim would have waited to have its points from age alone, milliseconds since the
 * epoch; earlier comes first. Exact while the bonus stays below 10^11.
 */
export function rankMs(claim: Claim): number {
  return claim.createdAtMs - POINT_MS * claim.bonusPoints;
}

/**
 * Negative when `a` comes first; 0 only for one and the same claim. Reads no clock, so that the order of two claims
 * never changes while they wait.
 */
export function compareClaims(a: Claim, b: Claim): number {
  const difference = rankMs(a) - rankMs(b);
  if (difference !== 0) return difference;
  return compareText(a.uid, b.uid) || compareText(a.id, b.id);
}

/** How many of the sorted claims come before `claim`. */
export function claimIndex(claims: readonly Claim[], claim: Claim): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareClaims(claims[middle]!, claim) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Points beyond 100 and age. `explicitPriority` is the value of claims.beskar7.io/priority, 0 when absent. */
export function bonus(requirements: Requirements, explicitPriority: number): number {
  const simple = requirements.requiredTags.length === 0 && requirements.preferredTags.length === 0;
  return explicitPriority + (simple ? SIMPLICITY_POINTS : 0);
}
