/**
 * The pools of a queue. Of the small ones only those that were touched last are kept ready to be asked; of the others
 * no more is kept than who is there, and they are built again when somebody comes, which takes some dozen microseconds.
 */
import { HostClass, Kind, type Seat, type Ticket } from "./network.ts";
import { Pool } from "./pool.ts";
import { NO_REQUIREMENTS } from "./requirements.ts";

/** Hosts and claims together up to which a pool is small: built as quickly as a few questions are answered. */
const SMALL = 32;

/** So many small pools are kept ready where nobody says otherwise: some 20 MB where all of them are varied. */
export const READY_POOLS = 2_048;

/** Of seats that are in no pool, or in one that rests. */
export const NO_CLASS = new HostClass("", []);
const NO_KIND = new Kind("", NO_REQUIREMENTS);

/** How many are in a pool. */
export interface Counts {
  readonly hostCount: number;
  readonly claimCount: number;
  /** Of the claims, those that have a place. */
  readonly placedCount: number;
}

interface Resting extends Counts {
  readonly seats: readonly Seat[];
  readonly tickets: readonly Ticket[];
}

export class Pools {
  private readonly byKey = new Map<string, Pool | Resting>();
  /** The pools that may have to rest, the one that was touched longest ago first. */
  private readonly ready = new Set<string>();
  /** The pool that was touched last; null when that may be gone. */
  private last: string | null = null;
  private readonly seats: ReadonlyMap<string, Seat>;
  private readonly tickets: ReadonlyMap<string, Ticket>;

  private readonly most: number;
  private mayRest = true;

  constructor(seats: ReadonlyMap<string, Seat>, tickets: ReadonlyMap<string, Ticket>, most: number) {
    this.seats = seats;
    this.tickets = tickets;
    this.most = most;
  }

  /** All pools that are touched from now on stay ready, until `letRest`. */
  keepReady(): void {
    this.mayRest = false;
  }

  letRest(): void {
    this.mayRest = true;
    this.rest();
  }

  /** Ready until another pool is asked for; undefined when nobody is in it. */
  find(key: string): Pool | undefined {
    const known = this.byKey.get(key);
    if (known === undefined) return undefined;
    const pool = known instanceof Pool ? known : this.wake(key, known);
    this.touch(key);
    return pool;
  }

  /** The same, but made when nobody is in it. */
  open(key: string): Pool {
    const known = this.find(key);
    if (known !== undefined) return known;
    const pool = new Pool(this.seats);
    this.byKey.set(key, pool);
    this.touch(key);
    return pool;
  }

  /** Forgets the pool if nobody is in it any more. */
  close(key: string): void {
    const { hostCount, claimCount } = this.byKey.get(key)!;
    if (hostCount > 0 || claimCount > 0) return;
    this.byKey.delete(key);
    this.ready.delete(key);
    this.last = null;
  }

  /** Asks nobody to be ready. */
  counts(key: string): Counts | undefined {
    return this.byKey.get(key);
  }

  all(): Iterable<[string, Counts]> {
    return this.byKey;
  }

  private touch(key: string): void {
    if (key === this.last) return;
    this.last = key;
    this.ready.delete(key);
    this.ready.add(key);
    if (this.mayRest) this.rest();
  }

  /** The pool that was touched last always stays ready. */
  private rest(): void {
    for (const key of this.ready) {
      if (this.ready.size <= this.most) return;
      this.ready.delete(key);
      const pool = this.byKey.get(key)!;
      if (pool instanceof Pool && pool.hostCount + pool.claimCount <= SMALL) this.layDown(key, pool);
    }
  }

  private layDown(key: string, { hostCount, claimCount, placedCount, classes, kinds }: Pool): void {
    const seats = [...classes.values()].flatMap((cls) => cls.members);
    const claims = [...kinds.values()].flatMap((kind) => kind.claims);
    const tickets = claims.map(({ id }) => this.tickets.get(id)!);
    for (const seat of seats) seat.class = NO_CLASS;
    for (const ticket of tickets) ticket.kind = NO_KIND;
    this.byKey.set(key, { hostCount, claimCount, placedCount, seats, tickets });
  }

  private wake(key: string, { seats, tickets }: Resting): Pool {
    const pool = new Pool(this.seats);
    pool.matching.startLoading();
    for (const seat of seats) pool.addSeat(seat);
    for (const ticket of tickets) ticket.kind = pool.addClaim(ticket.claim);
    pool.matching.finishLoading();
    this.byKey.set(key, pool);
    return pool;
  }
}
