import type { Claim, Host } from "../claims/claim.ts";
import { fit } from "../claims/requirements.ts";
import type { ConsumerFacts } from "../coordinator/facts.ts";
import type { World } from "../coordinator/world.ts";
import { type ConsumerName, entryOf, nameOf, type QueueEntry } from "./entries.ts";
import { clauseOf, type HostState, standingOf } from "./host-state.ts";
import { needsInWords } from "./needs.ts";
import { WaitingReasons } from "./waiting-reasons.ts";

/** More claims ahead than this are counted, not listed. */
const AHEAD_LISTED = 10;

export interface MachineRef {
  /** null: of any kind. */
  readonly kind: string | null;
  readonly namespace: string;
  readonly name: string;
}

/**
 * next: it is given this host as things are now. fits: free, but another one is better for it. needed: free, but a
 * claim ahead would be left without a host. taken: it would fit, but can't be had now. unfit: it does not fit.
 * held: it has this host already.
 */
export type HostVerdict = "held" | "next" | "fits" | "needed" | "taken" | "unfit";

export interface HostForMachine {
  readonly host: string;
  readonly state: HostState;
  readonly verdict: HostVerdict;
  /** Everything that speaks against the host, in words; empty for next, fits and held. */
  readonly reasons: readonly string[];
}

export interface MachineExplanation {
  readonly entry: QueueEntry;
  /** The host that it holds; null when none. */
  readonly holds: string | null;
  /** The first of the claims before it in its pool, the first first. */
  readonly ahead: readonly (ConsumerName & { readonly needs: string })[];
  readonly aheadTotal: number;
  /** The hosts of its pool, those that come nearest first; no more than were asked for. */
  readonly hosts: readonly HostForMachine[];
  readonly hostsTotal: number;
}

const VERDICTS: readonly HostVerdict[] = ["held", "next", "fits", "needed", "taken", "unfit"];

/** Kinds under which the world knows something of this name that could wait for a host. */
export function kindsNamed(world: World, { namespace, name }: Omit<MachineRef, "kind">): string[] {
  const kinds: string[] = [];
  for (const [, facts] of world.consumers()) {
    const consumer = facts.machine ?? facts.request?.consumer;
    if (consumer?.namespace === namespace && consumer.name === name) kinds.push(facts.kind);
  }
  return kinds.sort();
}

/**
 * Where a machine (or a request that is its own consumer) stands; null for one that is not known. Lists at most
 * `hostLimit` hosts.
 */
export function explainMachine(
  world: World,
  { kind, namespace, name }: ConsumerName,
  nowMs: number,
  hostLimit = Number.POSITIVE_INFINITY,
): MachineExplanation | null {
  const facts = world.consumer(`${kind}/${namespace}/${name}`);
  const reasons = new WaitingReasons(world);
  const entry = facts === undefined ? null : entryOf(world, facts, reasons, nowMs);
  if (facts === undefined || entry === null) return null;
  const claim = claimOf(world, facts, entry, nowMs);
  const waiting = world.queue.waiting(claim.pool);
  const hosts = reasons.hostsOf(claim.pool);
  const ahead = entry.position === null ? [] : waiting.slice(0, entry.position - 1);
  return {
    entry,
    holds: world.heldBy(claim.consumer)[0]?.name ?? null,
    ahead: ahead
      .slice(0, AHEAD_LISTED)
      .map((other) => ({ ...nameOf(other), needs: needsInWords(other.requirements) })),
    aheadTotal: ahead.length,
    hosts: hosts
      .map((host) => judge(world, claim, host, reasons))
      .sort((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict))
      .slice(0, hostLimit),
    hostsTotal: hosts.length,
  };
}

function claimOf(world: World, facts: Readonly<ConsumerFacts>, entry: QueueEntry, nowMs: number): Claim {
  const consumer = { apiVersion: "", uid: "", ...entry.consumer };
  const pool = { kind: entry.hostKind, namespace: entry.namespace };
  return world.queue.getClaim(facts.key) ?? world.claimOf(consumer, pool, nowMs);
}

function judge(world: World, claim: Claim, host: Host, reasons: WaitingReasons): HostForMachine {
  const standing = standingOf(world, host);
  const answer = (verdict: HostVerdict, against: readonly string[] = []): HostForMachine => ({
    host: host.name,
    state: standing.state,
    verdict,
    reasons: against,
  });
  if (host.consumer !== null && world.heldBy(claim.consumer).some(({ uid }) => uid === host.uid)) {
    return answer("held");
  }
  const { fits, reasons: obstacles } = fit(claim.requirements, host);
  const isFree = world.queue.hasHost(host.uid);
  if (!fits) return answer("unfit", isFree ? obstacles : [...obstacles, clauseOf(standing)]);
  if (!isFree) return answer("taken", [clauseOf(standing)]);
  if (reasons.nextHost(claim)?.uid === host.uid) return answer("next");
  const ahead = world.queue.displaced(claim, host.uid);
  if (ahead === null) return answer("fits");
  const { kind, namespace, name } = ahead.consumer;
  return answer("needed", [`${kind} ${namespace}/${name} is ahead and would be left without a host`]);
}
