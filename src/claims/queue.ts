/**
 * The queue: who waits, which hosts are free, and who may take what (design section 6). Membership is the caller's:
 * it enters the hosts that are available and named by no binding, and the claims that wait without a binding.
 *
 * Every answer depends on the present hosts and claims alone, never on the order in which they came.
 */

import { type Assignment, chooseHost, placeFirst } from "./choice.ts";
import { type Claim, type Host, poolKey } from "./claim.ts";
import type { Matching } from "./matching.ts";
import type { Seat, Ticket } from "./network.ts";
import type { Pool } from "./pool.ts";
import { NO_CLASS, Pools, READY_POOLS } from "./pools.ts";
import { claimIndex, compareClaims } from "./priority.ts";
import { fit } from "./requirements.ts";
import { isBefore } from "./seats.ts";

/** One pool, as a status page shows it. */
export interface PoolStatus {
  /** poolKey of its host kind and namespace. */
  readonly pool: string;
  readonly freeHosts: number;
  readonly waiting: number;
  /** Of the waiting claims, those that a free host is there for. */
  readonly placed: number;
}

/** A host, as one waiting claim sees it. */
export interface HostOutlook {
  readonly host: Host;
  readonly fits: boolean;
  /** Why it does not fit, for people. */
  readonly reasons: readonly string[];
  /** It fits, but this higher claim would be left without a host. */
  readonly neededBy: Claim | null;
}

export interface ClaimOutlook {
  readonly claim: Claim;
  /** 1-based. */
  readonly position: number;
  /** What `choose` answers. */
  readonly hostUid: string | null;
  /** The claims before it, the first first; no more than were asked for. */
  readonly ahead: readonly Claim[];
  /** In order of names; computed as they are read. */
  readonly hosts: Iterable<HostOutlook>;
}

export class ClaimQueue {
  private readonly seats = new Map<string, Seat>();
  private readonly tickets = new Map<string, Ticket>();
  private readonly byPool: Pools;
  /** The pools that `load` has touched; null outside of it. */
  private loading: Set<Pool> | null = null;

  /** `readyPools`: how many small pools are kept ready to be asked, an integer from 1; it changes no answer. */
  constructor(readyPools = READY_POOLS) {
    this.byPool = new Pools(this.seats, this.tickets, readyPools);
  }

  /**
   * For the first loading of a mirror: the hosts and claims that `work` enters or takes out are matched at its end, all
   * at once. It must not ask anything meanwhile.
   * @throws Error when a question is asked in `work`
   */
  load(work: () => void): void {
    if (this.loading !== null) throw new Error("the queue is loading already");
    const loading = new Set<Pool>();
    this.loading = loading;
    this.byPool.keepReady();
    try {
      work();
    } finally {
      this.loading = null;
      for (const pool of loading) pool.matching.finishLoading();
      this.byPool.letRest();
    }
  }

  /** Enters a free host, or its newer state. */
  setHost(host: Host): void {
    const seat = this.seats.get(host.uid);
    const key = poolKey(host.kind, host.namespace);
    if (seat !== undefined) {
      if (poolKeyOf(seat.host) === key && this.byPool.find(key)!.updateHost(seat, host)) return;
      this.removeHost(host.uid);
    }
    const entering = { host, class: NO_CLASS };
    this.seats.set(host.uid, entering);
    this.enter(key).addSeat(entering);
  }

  /** Of a host that is not there: nothing happens. */
  removeHost(uid: string): void {
    const seat = this.seats.get(uid);
    if (seat === undefined) return;
    const key = poolKeyOf(seat.host);
    this.enter(key).removeHost(seat);
    this.seats.delete(uid);
    this.byPool.close(key);
  }

  hasHost(uid: string): boolean {
    return this.seats.has(uid);
  }

  /**
   * Enters a waiting claim, or its newer state.
   * @throws RangeError when its time or bonus is no number that can be compared exactly
   */
  setClaim(claim: Claim): void {
    if (!Number.isSafeInteger(claim.bonusPoints * 60_000) || !Number.isSafeInteger(claim.createdAtMs)) {
      throw new RangeError(
        `claim ${claim.id}: createdAtMs ${claim.createdAtMs}, bonusPoints ${claim.bonusPoints}`,
      );
    }
    const ticket = this.tickets.get(claim.id);
    if (ticket !== undefined) {
      if (ticket.claim.pool === claim.pool && this.byPool.find(claim.pool)!.updateClaim(ticket, claim))
        return;
      this.removeClaim(claim.id);
    }
    const kind = this.enter(claim.pool).addClaim(claim);
    this.tickets.set(claim.id, { claim, kind });
  }

  /** Of a claim that is not there: nothing happens. */
  removeClaim(id: string): void {
    const ticket = this.tickets.get(id);
    if (ticket === undefined) return;
    this.enter(ticket.claim.pool).removeClaim(ticket.kind, ticket.claim);
    this.tickets.delete(id);
    this.byPool.close(ticket.claim.pool);
  }

  getClaim(id: string): Claim | undefined {
    return this.tickets.get(id)?.claim;
  }

  /**
   * The higher-priority claim that would lose its place if `claim` took the host; null: it may take it. A claim that
   * waits here counts with the priority that it has here, and is never its own obstacle. Null, too, for a host that
   * is not here: whether that is available is not this question.
   */
  displaced(claim: Claim, hostUid: string): Claim | null {
    const seat = this.seats.get(hostUid);
    if (seat === undefined) return null;
    const matching = this.matchingOf(poolKeyOf(seat.host));
    const loser = matching.weakest(seat.class);
    if (loser === null) return null;
    return compareClaims(loser, this.getClaim(claim.id) ?? claim) < 0 ? loser : null;
  }

  /**
   * uid of the host that this claim should be given now. Of the hosts that cost nobody, above or below, a place: most
   * preferred tags and labels, then known fit over unknown, then name. Null while no host is left for it.
   */
  choose(claimId: string): string | null {
    const ticket = this.tickets.get(claimId);
    if (ticket === undefined) return null;
    const matching = this.matchingOf(ticket.claim.pool);
    return isPlaced(ticket) ? chooseHost(matching, ticket.kind).uid : null;
  }

  /**
   * Who gets what at present, by priority: what comes of giving the highest claim with a place the host of `choose`,
   * taking both out, and so on. Changes nothing. Only the first `most` of them are worked out, an integer from 0.
   */
  place(most = Number.POSITIVE_INFINITY): Iterable<Assignment> {
    this.assertReady();
    const pools = [...this.byPool.all()].filter(([, { placedCount }]) => placedCount > 0);
    const placed = pools.flatMap(([key]) => placeFirst(this.matchingOf(key), most));
    return placed.sort((a, b) => compareClaims(a.claim, b.claim)).slice(0, most);
  }

  /** 1-based, within its pool; 0 for a claim that is not here. */
  position(claimId: string): number {
    const ticket = this.tickets.get(claimId);
    if (ticket === undefined) return 0;
    let before = 0;
    for (const kind of this.byPool.find(ticket.claim.pool)!.kinds.values()) {
      before += claimIndex(kind.claims, ticket.claim);
    }
    return before + 1;
  }

  /** How many claims wait, in one pool or in all. */
  depth(pool?: string): number {
    return pool === undefined ? this.tickets.size : (this.byPool.counts(pool)?.claimCount ?? 0);
  }

  /** The claim that was created first, in one pool or of all; null when none waits. */
  oldest(pool?: string): Claim | null {
    let oldest: Claim | null = null;
    for (const claim of pool === undefined ? this.allClaims() : this.unsorted(pool)) {
      if (oldest !== null && claim.createdAtMs > oldest.createdAtMs) continue;
      if (oldest === null || claim.createdAtMs < oldest.createdAtMs || compareClaims(claim, oldest) < 0)
        oldest = claim;
    }
    return oldest;
  }

  /** By name. A pool is there while it has a host or a claim. */
  pools(): PoolStatus[] {
    return [...this.byPool.all()]
      .map(([pool, { hostCount, claimCount, placedCount }]) => ({
        pool,
        freeHosts: hostCount,
        waiting: claimCount,
        placed: placedCount,
      }))
      .sort((a, b) => (a.pool < b.pool ? -1 : 1));
  }

  /** The claims of a pool, the first first. */
  waiting(pool: string): Claim[] {
    return [...this.unsorted(pool)].sort(compareClaims);
  }

  /** Who is given this host at present; null when it stays free, or is not here. */
  explainHost(hostUid: string): Claim | null {
    const seat = this.seats.get(hostUid);
    if (seat === undefined) return null;
    return (
      placeFirst(this.matchingOf(poolKeyOf(seat.host)), Number.POSITIVE_INFINITY).find(
        (assignment) => assignment.hostUid === hostUid,
      )?.claim ?? null
    );
  }

  /** Where a claim stands, and why; null for a claim that is not here. Lists at most `limit` claims ahead. */
  explainClaim(claimId: string, limit = 10): ClaimOutlook | null {
    const claim = this.getClaim(claimId);
    if (claim === undefined) return null;
    const position = this.position(claimId);
    const ahead = this.waiting(claim.pool).slice(0, Math.min(position - 1, limit));
    return { claim, position, hostUid: this.choose(claimId), ahead, hosts: this.outlooks(claim) };
  }

  private *outlooks(claim: Claim): Generator<HostOutlook> {
    const classes = [...this.byPool.find(claim.pool)!.classes.values()];
    const hosts = classes.flatMap((cls) => cls.members.map((seat) => seat.host));
    for (const host of hosts.sort((a, b) => (isBefore(a, b) ? -1 : 1))) {
      const { fits, reasons } = fit(claim.requirements, host);
      yield { host, fits, reasons, neededBy: fits ? this.displaced(claim, host.uid) : null };
    }
  }

  private *allClaims(): Generator<Claim> {
    for (const { claim } of this.tickets.values()) yield claim;
  }

  private *unsorted(pool: string): Generator<Claim> {
    for (const kind of this.byPool.find(pool)?.kinds.values() ?? []) yield* kind.claims;
  }

  /** The pool, to be asked. Its seats and tickets have their classes and kinds from here on. */
  private matchingOf(key: string): Matching {
    this.assertReady();
    return this.byPool.find(key)!.matching;
  }

  private assertReady(): void {
    if (this.loading !== null) throw new Error("the queue is asked while it is loading");
  }

  /** The pool, to be changed. */
  private enter(key: string): Pool {
    const pool = this.byPool.open(key);
    if (this.loading !== null && !this.loading.has(pool)) {
      this.loading.add(pool);
      pool.matching.startLoading();
    }
    return pool;
  }
}

function poolKeyOf(host: Host): string {
  return poolKey(host.kind, host.namespace);
}

function isPlaced({ kind, claim }: Ticket): boolean {
  return claimIndex(kind.claims, claim) < kind.placed;
}
