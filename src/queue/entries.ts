import type { Claim } from "../claims/claim.ts";
import { priorityPoints } from "../claims/priority.ts";
import { type ConsumerFacts, consumerOf, currentRequest, unresolvedBinding } from "../coordinator/facts.ts";
import type { World } from "../coordinator/world.ts";
import type { ClaimRequestPhase } from "../requests/claim-request.ts";
import { needsInWords } from "./needs.ts";
import { poolName } from "./pool-name.ts";
import { WaitingReasons } from "./waiting-reasons.ts";

export interface ConsumerName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A consumer that asks for a host and has none yet. */
export interface QueueEntry {
  /** 1-based within its pool; null for who has no place now: it is being bound, or held back. */
  readonly position: number | null;
  /** The pool: hosts of this kind in this namespace. */
  readonly hostKind: string;
  readonly namespace: string;
  readonly consumer: ConsumerName;
  /** Name of its ClaimRequest; null while it has none. */
  readonly request: string | null;
  /** Points of the seed formula at this moment. */
  readonly priority: number;
  readonly createdAt: string;
  /** Whole seconds since then; never negative. */
  readonly ageSeconds: number;
  readonly needs: string;
  readonly phase: ClaimRequestPhase;
  /** The host that it is being bound to; null when none. */
  readonly host: string | null;
  /** The free host that it is given as things are now; null while there is none for it. */
  readonly nextHost: string | null;
  readonly why: string;
}

export interface QueueView {
  /** Those being bound, then those that wait by position, then those held back; pool by pool. */
  readonly entries: readonly QueueEntry[];
  /** How many there are, shown or not. */
  readonly total: number;
}

export interface QueueOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** null: pools of all namespaces. */
  readonly namespace: string | null;
  /** At most so many entries, 0 or more. */
  readonly limit: number;
}

/** One entry before its texts are made: only those that are shown need them. */
interface Candidate {
  readonly facts: Readonly<ConsumerFacts>;
  readonly claim: Claim;
  readonly position: number | null;
  /** Of who has no place. */
  readonly why: string;
}

/** Who asks for a host of one pool without standing in its queue. */
interface Aside {
  readonly beingBound: Candidate[];
  readonly heldBack: Candidate[];
}

export function viewQueue(world: World, { nowMs, namespace, limit }: QueueOptions): QueueView {
  const aside = whoStandsAside(world, nowMs);
  const waiting = new Map(world.queue.pools().map((pool) => [pool.pool, pool.waiting]));
  const pools = [...new Set([...waiting.keys(), ...aside.keys()])]
    .filter((pool) => namespace === null || poolName(pool).namespace === namespace)
    .sort();
  const shown: Candidate[] = [];
  const show = (candidates: Iterable<Candidate>) => {
    for (const candidate of candidates) if (shown.length < limit) shown.push(candidate);
  };
  let total = 0;
  for (const pool of pools) {
    const { beingBound, heldBack } = aside.get(pool) ?? { beingBound: [], heldBack: [] };
    total += beingBound.length + (waiting.get(pool) ?? 0) + heldBack.length;
    show(beingBound.sort(byKey));
    if (shown.length < limit) show(inLine(world, pool, limit - shown.length));
    show(heldBack.sort(byKey));
  }
  const reasons = new WaitingReasons(world);
  return { entries: shown.map((entry) => describe(world, entry, reasons, nowMs)), total };
}

/** The entry of one consumer, whether it waits or not; null where nothing is known that could be a claim. */
export function entryOf(
  world: World,
  facts: Readonly<ConsumerFacts>,
  reasons: WaitingReasons,
  nowMs: number,
): QueueEntry | null {
  const demand = world.demand(facts);
  if (demand.waits) {
    const position = world.queue.position(facts.key);
    return describe(world, { facts, claim: demand.claim, position, why: "" }, reasons, nowMs);
  }
  const claim = claimIfAny(world, facts, nowMs);
  if (claim === null) return null;
  return describe(world, { facts, claim, position: null, why: demand.why }, reasons, nowMs);
}

/** The first of those that wait in a pool. */
function* inLine(world: World, pool: string, most: number): Generator<Candidate> {
  for (const [index, claim] of world.queue.waiting(pool).slice(0, most).entries()) {
    const facts = world.consumer(claim.id);
    if (facts !== undefined) yield { facts, claim, position: index + 1, why: "" };
  }
}

function whoStandsAside(world: World, nowMs: number): Map<string, Aside> {
  const pools = new Map<string, Aside>();
  for (const [, facts] of world.consumers()) {
    const demand = asksFor(facts) ? world.demand(facts) : null;
    if (demand === null || demand.waits) continue;
    const claim = claimIfAny(world, facts, nowMs);
    if (claim === null || world.heldBy(claim.consumer).length > 0) continue;
    const aside = pools.get(claim.pool) ?? { beingBound: [], heldBack: [] };
    pools.set(claim.pool, aside);
    const list = hostBeingBound(world, facts) === null ? aside.heldBack : aside.beingBound;
    list.push({ facts, claim, position: null, why: demand.why });
  }
  return pools;
}

const byKey = (a: Candidate, b: Candidate) => (a.facts.key < b.facts.key ? -1 : 1);

/** The claim of a consumer whether it waits or not; null where only holdings are known of it. */
function claimIfAny(world: World, facts: Readonly<ConsumerFacts>, nowMs: number): Claim | null {
  const consumer = consumerOf(facts);
  return consumer === null
    ? null
    : world.claimOf(consumer, { kind: "", namespace: consumer.namespace }, nowMs);
}

function asksFor(facts: Readonly<ConsumerFacts>): boolean {
  const request = currentRequest(facts);
  if (facts.reserved !== null || facts.machine?.waits) return true;
  return request !== null && (request.phase === "Pending" || request.phase === "Binding");
}

function hostBeingBound(world: World, facts: Readonly<ConsumerFacts>): string | null {
  if (facts.reserved !== null) return world.host(facts.reserved)?.name ?? null;
  const request = currentRequest(facts);
  return request === null ? null : (unresolvedBinding(request)?.hostName ?? null);
}

function describe(world: World, candidate: Candidate, reasons: WaitingReasons, nowMs: number): QueueEntry {
  const { facts, claim, position, why } = candidate;
  const request = currentRequest(facts);
  return {
    position,
    ...poolName(claim.pool),
    consumer: nameOf(claim),
    request: request?.name ?? null,
    priority: priorityPoints(claim, nowMs),
    createdAt: new Date(claim.createdAtMs).toISOString(),
    ageSeconds: Math.max(0, Math.floor((nowMs - claim.createdAtMs) / 1000)),
    needs: needsInWords(claim.requirements),
    phase: request?.phase ?? "Pending",
    host: hostBeingBound(world, facts),
    nextHost: position === null ? null : (reasons.nextHost(claim)?.name ?? null),
    why: position === null ? why : reasons.why(claim),
  };
}

export function nameOf({ consumer: { kind, namespace, name } }: Pick<Claim, "consumer">): ConsumerName {
  return { kind, namespace, name };
}
