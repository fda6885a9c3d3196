import { type Claim, type Consumer, consumerKey, type Host, sameConsumer } from "../claims/claim.ts";
import { compareClaims } from "../claims/priority.ts";
import { fits } from "../claims/requirements.ts";
import type { HostEvent } from "./history.ts";

/**
 * What must never be seen in a history, in sentences; empty when all is well. A host goes from one consumer to
 * another only by way of nobody, and no consumer has two hosts at one time.
 */
export function safetyViolations(events: readonly HostEvent[]): string[] {
  const check = new SafetyCheck();
  return events.flatMap((event) => check.note(event));
}

/** The same for a history that is too long to be kept: event by event, in the API server's order. */
export class SafetyCheck {
  readonly #holdings = new Map<string, Host>();

  /** What this event violates. */
  note({ type, host }: Pick<HostEvent, "type" | "host">): string[] {
    const holdings = this.#holdings;
    const before = holdings.get(host.uid)?.consumer ?? null;
    const { consumer, name, resourceVersion } = host;
    if (type === "DELETED" || consumer === null) {
      holdings.delete(host.uid);
      return [];
    }
    holdings.set(host.uid, host);
    const at = `at resourceVersion ${resourceVersion}`;
    const violations: string[] = [];
    if (before !== null && !sameConsumer(before, consumer)) {
      violations.push(`${name} went from ${shown(before)} to ${shown(consumer)} without a release ${at}`);
    }
    for (const other of before === null ? holdings.values() : []) {
      if (other.uid !== host.uid && other.consumer !== null && sameConsumer(other.consumer, consumer)) {
        violations.push(`${shown(consumer)} got ${name} while it had ${other.name} ${at}`);
      }
    }
    return violations;
  }
}

/** Who has which host, by consumerKey. */
export function holdersOf(hosts: Iterable<Host>): Map<string, Host> {
  const holders = new Map<string, Host>();
  for (const host of hosts) if (host.consumer !== null) holders.set(consumerKey(host.consumer), host);
  return holders;
}

/**
 * Pairs of a claim that got a host and one of higher priority that got none though that very host would have done,
 * among claims that all waited before the first host became free.
 */
export function invertedPairs(claims: readonly Claim[], holders: ReadonlyMap<string, Host>): number {
  let inverted = 0;
  const losers = claims.filter(({ id }) => !holders.has(id));
  for (const winner of claims) {
    const host = holders.get(winner.id);
    if (host === undefined) continue;
    for (const loser of losers) {
      if (compareClaims(loser, winner) < 0 && fits(loser.requirements, host)) inverted++;
    }
  }
  return inverted;
}

/** For each time a host became free and was claimed afterwards: how long it stood free, milliseconds. */
export function freeTimesMs(events: readonly HostEvent[]): number[] {
  const freeSince = new Map<string, number>();
  const times: number[] = [];
  for (const { type, host, atMs } of events) {
    const free = type !== "DELETED" && host.consumer === null && host.unavailable === "" && !host.deleting;
    const since = freeSince.get(host.uid);
    if (free && since === undefined) freeSince.set(host.uid, atMs);
    if (free || since === undefined) continue;
    freeSince.delete(host.uid);
    if (host.consumer !== null) times.push(atMs - since);
  }
  return times;
}

function shown(consumer: Consumer): string {
  return `${consumerKey(consumer)}${consumer.uid === "" ? "" : ` (${consumer.uid})`}`;
}
