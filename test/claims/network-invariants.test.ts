/**
 * What a pool keeps between its changes, checked after each of them: counted anew from its hosts and claims. The number
 * of steps is CLAIMS_CASES / 5, and one history again is CLAIMS_SEED.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsOf } from "../../src/claims/bits.ts";
import type { Claim, Host } from "../../src/claims/claim.ts";
import type { HostClass, Kind, Seat, Ticket } from "../../src/claims/network.ts";
import { Pool } from "../../src/claims/pool.ts";
import { NO_CLASS } from "../../src/claims/pools.ts";
import * as generate from "./generate.ts";
import { Random } from "./random.ts";
import * as reference from "./reference.ts";

const STEPS = Math.max(400, Number(process.env.CLAIMS_CASES ?? 25_000) / 5);
const SEED = Number(process.env.CLAIMS_SEED ?? 1);

/** Few at a time, who ask for many different things: kinds are forgotten and classes joined again and again. */
const SIZE = { ...generate.LARGE, hosts: 8, claims: 7 };

class World {
  readonly seats = new Map<string, Seat>();
  readonly tickets = new Map<string, Ticket>();
  readonly pool = new Pool(this.seats);

  apply(change: generate.Change): void {
    if (change.type === "setHost") {
      this.removeHost(change.host.uid);
      const seat = { host: change.host, class: NO_CLASS };
      this.seats.set(change.host.uid, seat);
      this.pool.addSeat(seat);
    } else if (change.type === "removeHost") this.removeHost(change.uid);
    else if (change.type === "removeClaim") this.removeClaim(change.id);
    else {
      this.removeClaim(change.claim.id);
      this.tickets.set(change.claim.id, { claim: change.claim, kind: this.pool.addClaim(change.claim) });
    }
  }

  private removeHost(uid: string): void {
    const seat = this.seats.get(uid);
    if (seat !== undefined) this.pool.removeHost(seat);
    this.seats.delete(uid);
  }

  private removeClaim(id: string): void {
    const ticket = this.tickets.get(id);
    if (ticket !== undefined) this.pool.removeClaim(ticket.kind, ticket.claim);
    this.tickets.delete(id);
  }

  hosts(): Host[] {
    return [...this.seats.values()].map(({ host }) => host);
  }

  claims(): Claim[] {
    return [...this.tickets.values()].map(({ claim }) => claim);
  }
}

function checkPlaces({ matching, classes, kinds }: Pool): void {
  const used = new Map<HostClass, number>();
  for (const kind of kinds.values()) {
    assert.equal(new Set(kind.flows.map((flow) => flow.class)).size, kind.flows.length);
    for (const { class: cls, count } of kind.flows) {
      assert.ok(count > 0);
      used.set(cls, (used.get(cls) ?? 0) + count);
    }
    assert.equal(
      kind.placed,
      kind.flows.reduce((sum, { count }) => sum + count, 0),
    );
  }
  const spare = [];
  for (const cls of classes.values()) {
    assert.equal(cls.size, cls.members.length);
    assert.equal(cls.used, used.get(cls) ?? 0);
    assert.ok(cls.used <= cls.size);
    assert.equal(cls.spare, cls.used < cls.size);
    if (cls.spare) spare.push(cls);
    const claimants = [...bitsOf(cls.claimants)].map((slot) => matching.kinds[slot]!);
    for (const kind of kinds.values()) {
      const has = kind.flows.some((flow) => flow.class === cls);
      assert.equal(claimants.includes(kind), has);
    }
  }
  assert.equal(matching.spareClasses, spare.length);
  assert.deepEqual(new Set(slotsOf(matching.spare)), new Set(spare.map(({ slot }) => slot)));
}

/** The numbers in a dense set, which is a list of words. */
function slotsOf(words: readonly number[]): number[] {
  return [...bitsOf(words.flatMap((bits, word) => [word, bits]))];
}

function checkOrders({ matching, kinds }: Pool): void {
  const all = [...kinds.values()];
  const by = (claimOf: (kind: Kind) => Claim | undefined) =>
    reference.sorted(all.flatMap((kind) => claimOf(kind) ?? [])).map(({ id }) => id);
  assert.deepEqual(
    matching.byLastPlaced.kinds.map((kind) => kind.lastPlaced!.id),
    by((kind) => kind.claims[kind.placed - 1]),
  );
  assert.deepEqual(
    matching.byFirstUnplaced.kinds.map((kind) => kind.firstUnplaced!.id),
    by((kind) => kind.claims[kind.placed]),
  );
  assert.equal(
    matching.unplaced,
    all.reduce((sum, kind) => sum + kind.claims.length - kind.placed, 0),
  );
  assert.deepEqual(
    new Set(slotsOf(matching.served)),
    new Set(all.filter(({ placed }) => placed > 0).map(({ slot }) => slot)),
  );
}

/** Who fits what; and that nothing is left of those who are gone. */
function checkFits({ matching, classes, kinds }: Pool): void {
  // No `equal` of kinds and classes: each leads to all others, and telling how two differ would take minutes.
  assert.equal(matching.kinds.filter((kind) => kind !== undefined).length, kinds.size);
  assert.equal(matching.classes.filter((cls) => cls !== undefined).length, classes.size);
  for (const kind of kinds.values()) assert.ok(matching.kinds[kind.slot] === kind);
  for (const cls of classes.values()) {
    assert.ok(matching.classes[cls.slot] === cls);
    const fitting = [...kinds.values()].filter((kind) =>
      reference.fitsHost(kind.requirements, cls.members[0]!.host),
    );
    assert.deepEqual(new Set(bitsOf(cls.row)), new Set(fitting.map(({ slot }) => slot)));
    for (const kind of kinds.values()) {
      assert.equal([...bitsOf(kind.row)].includes(cls.slot), fitting.includes(kind));
    }
  }
  for (const kind of kinds.values()) {
    for (const slot of bitsOf(kind.row)) assert.ok(matching.classes[slot] !== undefined);
  }
}

test("what a pool keeps says after every change what its hosts and claims say, and nothing of those gone", () => {
  const random = new Random(SEED);
  const world = new World();
  const { pool } = world;
  let [mostKinds, mostClasses] = [0, 0];
  for (let step = 0; step < STEPS; step++) {
    world.apply(generate.randomChange(random, SIZE));
    checkPlaces(pool);
    checkOrders(pool);
    checkFits(pool);
    // A new class may come before the one that it replaces is gone.
    mostKinds = Math.max(mostKinds, pool.kinds.size + 1);
    mostClasses = Math.max(mostClasses, pool.classes.size + 1);
    assert.ok(pool.matching.kinds.length <= mostKinds, `${pool.matching.kinds.length} slots of kinds`);
    assert.ok(
      pool.matching.classes.length <= mostClasses,
      `${pool.matching.classes.length} slots of classes`,
    );
  }
  assert.ok(pool.matching.kinds.includes(undefined), "some kinds have been forgotten");
});

test("who would lose a place, asked after every change, is never an answer of before", () => {
  const random = new Random(SEED + 1);
  const world = new World();
  const late = generate.aClaim("late", { id: "late", createdAtMs: 1e9 });
  for (let step = 0; step < STEPS; step++) {
    world.apply(generate.randomChange(random, SIZE));
    const [hosts, claims] = [world.hosts(), world.claims()];
    for (const { host, class: cls } of world.seats.values()) {
      const loser = world.pool.matching.weakest(cls)?.id ?? null;
      assert.equal(loser, reference.displaced(claims, hosts, late, host.uid), `step ${step}, ${host.name}`);
    }
  }
});
