/**
 * Which pools are kept ready to be asked: it changes no answer of the queue, only what the next question costs, and what
 * memory the others take. Checked after every step against a list of the pools in the order in which they were touched.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seat, Ticket } from "../../src/claims/network.ts";
import { Pool } from "../../src/claims/pool.ts";
import { NO_CLASS, Pools } from "../../src/claims/pools.ts";
import { aClaim, aHost } from "./generate.ts";
import { Random } from "./random.ts";

const KEYS = ["a", "b", "c", "d", "e"];
/** Hosts and claims of a pool; 32 of both together still make a small pool. */
const SHAPES: readonly (readonly [number, number])[] = [
  [1, 0],
  [2, 3],
  [16, 16],
  [0, 32],
  [17, 16],
  [33, 0],
  [0, 33],
];

interface Members {
  readonly hosts: readonly string[];
  readonly claims: readonly string[];
}

/** Pools as a queue uses them, and what is to be expected of them. */
class Watched {
  readonly seats = new Map<string, Seat>();
  readonly tickets = new Map<string, Ticket>();
  readonly pools: Pools;
  readonly members = new Map<string, Members>();
  /** Pools that may have to rest, the one that was touched longest ago first. */
  recent: string[] = [];
  readonly resting = new Set<string>();
  mayRest = true;
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
    this.pools = new Pools(this.seats, this.tickets, most);
  }

  settle(key: string, hostCount: number, claimCount: number): void {
    this.leave(key);
    const pool = this.pools.open(key);
    this.touched(key);
    const hosts = Array.from({ length: hostCount }, (_, n) => `${key}-${n}`);
    for (const name of hosts) {
      const seat = { host: aHost(name), class: NO_CLASS };
      this.seats.set(name, seat);
      pool.addSeat(seat);
    }
    const claims = Array.from({ length: claimCount }, (_, n) => aClaim(`${key}-${n}`, { pool: key }));
    for (const claim of claims) this.tickets.set(claim.id, { claim, kind: pool.addClaim(claim) });
    this.members.set(key, { hosts, claims: claims.map(({ id }) => id) });
  }

  /** One after the other, the pool being closed each time, which takes effect with the last. */
  leave(key: string): void {
    const { hosts, claims } = this.members.get(key) ?? { hosts: [], claims: [] };
    for (const name of hosts) {
      this.pools.open(key).removeHost(this.seats.get(name)!);
      this.seats.delete(name);
      this.pools.close(key);
    }
    for (const id of claims) {
      const { kind, claim } = this.tickets.get(id)!;
      this.pools.open(key).removeClaim(kind, claim);
      this.tickets.delete(id);
      this.pools.close(key);
    }
    if (this.members.has(key)) this.touched(key);
    this.members.delete(key);
    this.recent = this.recent.filter((other) => other !== key);
  }

  ask(key: string): void {
    assert.equal(this.pools.find(key) !== undefined, this.members.has(key));
    if (this.members.has(key)) this.touched(key);
  }

  keepReady(): void {
    this.pools.keepReady();
    this.mayRest = false;
  }

  letRest(): void {
    this.pools.letRest();
    this.mayRest = true;
    this.layDown();
  }

  private touched(key: string): void {
    this.recent = [...this.recent.filter((other) => other !== key), key];
    this.resting.delete(key);
    if (this.mayRest) this.layDown();
  }

  private layDown(): void {
    while (this.recent.length > this.most) {
      const key = this.recent.shift()!;
      const { hosts, claims } = this.members.get(key)!;
      if (hosts.length + claims.length <= 32) this.resting.add(key);
    }
  }

  check(): void {
    assert.deepEqual([...this.pools.all()].map(([key]) => key).sort(), [...this.members.keys()].sort());
    for (const key of KEYS) {
      const counts = this.pools.counts(key);
      const { hosts, claims } = this.members.get(key) ?? { hosts: [], claims: [] };
      assert.equal(counts !== undefined, this.members.has(key));
      assert.equal(
        counts instanceof Pool,
        this.members.has(key) && !this.resting.has(key),
        `${key} is ready`,
      );
      assert.equal(counts?.hostCount ?? 0, hosts.length);
      assert.equal(counts?.claimCount ?? 0, claims.length);
      assert.equal(counts?.placedCount ?? 0, Math.min(hosts.length, claims.length));
      const pool = counts instanceof Pool ? counts : null;
      for (const name of hosts) {
        const { class: cls } = this.seats.get(name)!;
        if (pool === null) assert.equal(cls, NO_CLASS, "nothing holds on to a pool that was laid down");
        else assert.equal(pool.classes.get(cls.key), cls);
      }
      for (const id of claims) {
        const { kind } = this.tickets.get(id)!;
        if (pool === null)
          assert.equal(kind.claims.length, 0, "nothing holds on to a pool that was laid down");
        else assert.equal(pool.kinds.get(kind.key), kind);
      }
    }
  }
}

test("of the small pools only those that were touched last are ready, and the large ones always", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed * 7919);
    const watched = new Watched(1 + random.below(3));
    try {
      for (let step = 0; step < 60; step++) {
        const key = random.pick(KEYS);
        const what = random.next();
        if (what < 0.45) watched.ask(key);
        else if (what < 0.75) watched.settle(key, ...random.pick(SHAPES));
        else if (what < 0.9) watched.leave(key);
        else if (what < 0.95) watched.keepReady();
        else watched.letRest();
        watched.check();
      }
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
