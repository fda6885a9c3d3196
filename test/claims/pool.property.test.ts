/**
 * What holds inside a pool after every single change, whatever came before. The answers may be right for a long time
 * while it does not: a class too many costs only time, a slot that was not given back fails much later.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsOf } from "../../src/claims/bits.ts";
import type { Claim, Host, Requirements } from "../../src/claims/claim.ts";
import { HostClass, type Seat, type Ticket } from "../../src/claims/network.ts";
import { Pool, requirementsKey } from "../../src/claims/pool.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import type { Term } from "../../src/claims/vocabulary.ts";
import * as generate from "./generate.ts";
import { Random } from "./random.ts";
import * as reference from "./reference.ts";

const CASES = Math.max(8, Number(process.env.CLAIMS_CASES ?? 25_000) / 2_500);

/** Beyond the number of kinds with claims, so many without are kept. */
const SPARE_KINDS = 16;

/** A pool, changed as the queue changes it, and the keys of the kinds that it should know. */
class World {
  readonly seats = new Map<string, Seat>();
  readonly tickets = new Map<string, Ticket>();
  readonly pool = new Pool(this.seats);
  readonly kinds = new Map<string, number>();

  get hosts(): Host[] {
    return [...this.seats.values()].map(({ host }) => host);
  }

  get claims(): Claim[] {
    return [...this.tickets.values()].map(({ claim }) => claim);
  }

  setHost(host: Host): void {
    const known = this.seats.get(host.uid);
    if (known !== undefined && this.pool.updateHost(known, host)) {
      assert.equal(known.host, host);
      return;
    }
    this.removeHost(host.uid);
    const seat = { host, class: new HostClass("", []) };
    this.seats.set(host.uid, seat);
    this.pool.addSeat(seat);
  }

  removeHost(uid: string): void {
    const seat = this.seats.get(uid);
    if (seat !== undefined) this.pool.removeHost(seat);
    this.seats.delete(uid);
  }

  setClaim(claim: Claim): void {
    const ticket = this.tickets.get(claim.id);
    if (ticket !== undefined && this.pool.updateClaim(ticket, claim)) {
      assert.equal(ticket.claim, claim);
      return;
    }
    this.removeClaim(claim.id);
    this.tickets.set(claim.id, { claim, kind: this.pool.addClaim(claim) });
    const key = requirementsKey(claim.requirements);
    this.kinds.set(key, (this.kinds.get(key) ?? 0) + 1);
  }

  removeClaim(id: string): void {
    const ticket = this.tickets.get(id);
    if (ticket === undefined) return;
    this.pool.removeClaim(ticket.kind, ticket.claim);
    this.tickets.delete(id);
    const key = requirementsKey(ticket.claim.requirements);
    this.kinds.set(key, this.kinds.get(key)! - 1);
    const idle = [...this.kinds].filter(([, claims]) => claims === 0);
    if (idle.length <= SPARE_KINDS + this.kinds.size - idle.length) return;
    for (const [unused] of idle) this.kinds.delete(unused);
  }
}

/** What can be said of a host in the words of these requirements. */
function said(host: Host, all: readonly Requirements[]): string {
  const values = new Map<string, Set<string>>();
  const mention = (key: string, ...some: readonly string[]) => {
    const known = values.get(key) ?? new Set();
    for (const value of some) known.add(value);
    values.set(key, known);
  };
  for (const want of all) {
    for (const key of [...want.requiredTags, ...want.preferredTags]) mention(key);
    for (const [key, value] of Object.entries(want.requiredLabels)) mention(key, value);
    for (const [key, value] of Object.entries(want.preferredLabels)) mention(key, value);
    for (const expression of want.expressions) mention(expression.key, ...expression.values);
  }
  const labels = [...values].map(([key, mentioned]) => {
    const value = Object.entries(host.labels).find(([name]) => name === key)?.[1];
    return value === undefined ? "absent" : mentioned.has(value) ? `is ${value}` : "other";
  });
  const reached = (have: number | null | undefined, minima: readonly number[]) => {
    const asked = minima.filter((min) => min > 0);
    if (asked.length === 0) return "not asked";
    return have == null ? "unknown" : Math.max(0, ...asked.filter((min) => min <= have));
  };
  const { hardware, reservedFor, namespace } = host;
  const minima = [
    reached(
      hardware?.cpuCores,
      all.map((want) => want.minCPUCores),
    ),
    reached(
      hardware?.memoryGB,
      all.map((want) => want.minMemoryGB),
    ),
    reached(
      hardware?.diskGB,
      all.map((want) => want.minDiskGB),
    ),
  ];
  const known =
    reservedFor?.namespace === namespace && all.some(({ cluster }) => cluster === reservedFor.name);
  const reserved = reservedFor === null ? "free" : known ? `for ${reservedFor.name}` : "elsewhere";
  return JSON.stringify([labels, minima, reserved]);
}

function groups<T>(items: Iterable<T>, keyOf: (item: T) => unknown, nameOf: (item: T) => string): string[] {
  const byKey = new Map<unknown, string[]>();
  for (const item of items) byKey.set(keyOf(item), [...(byKey.get(keyOf(item)) ?? []), nameOf(item)]);
  return [...byKey.values()].map((names) => names.sort().join(" ")).sort();
}

function present<T>(slots: readonly (T | undefined)[]): Set<T> {
  return new Set(slots.filter((item) => item !== undefined));
}

function assertSound({ pool, seats, tickets, hosts, claims, kinds }: World): void {
  const { matching } = pool;
  assert.deepEqual([pool.hostCount, pool.claimCount], [hosts.length, claims.length]);
  assert.equal(pool.placedCount, reference.greedy(claims, hosts).size);

  assert.deepEqual([...pool.kinds.keys()].sort(), [...kinds.keys()].sort(), "the kinds that are remembered");
  assert.deepEqual(present(matching.kinds), new Set(pool.kinds.values()), "no slot of a kind is lost");
  for (const kind of pool.kinds.values()) {
    const own = [...tickets.values()].filter((ticket) => ticket.kind === kind).map(({ claim }) => claim);
    assert.deepEqual(kind.claims, reference.sorted(own));
  }

  assert.deepEqual(present(matching.classes), new Set(pool.classes.values()), "no slot of a class is lost");
  const all = [...pool.kinds.values()].map(({ requirements }) => requirements);
  const alike = groups(
    hosts,
    (host) => said(host, all),
    ({ uid }) => uid,
  );
  const together = groups(
    seats.values(),
    (seat) => seat.class,
    ({ host }) => host.uid,
  );
  assert.deepEqual(together, alike, "hosts share a class exactly when nobody could tell them apart");
  const slotsOf = new Map<Term, number[]>();
  for (const [key, cls] of pool.classes) {
    assert.equal(cls.key, key);
    const own = [...seats.values()].filter((seat) => seat.class === cls);
    own.sort((a, b) => (a.host.name < b.host.name ? -1 : 1));
    assert.deepEqual(cls.members, own);
    for (const term of cls.terms) slotsOf.set(term, [...(slotsOf.get(term) ?? []), cls.slot]);
    for (const kind of pool.kinds.values()) {
      const fits = reference.fitsHost(kind.requirements, own[0]!.host);
      assert.equal([...bitsOf(kind.row)].includes(cls.slot), fits, `${kind.key} in ${cls.key}`);
    }
  }
  for (const [term, slots] of slotsOf) {
    assert.deepEqual(
      [...bitsOf(term.classes)],
      slots.sort((a, b) => a - b),
      `classes of term ${term.id}`,
    );
  }

  const { version } = matching;
  for (const seat of seats.values()) {
    const cls = seat.class;
    assert.ok(pool.updateHost(seat, { ...seat.host, resourceVersion: "2" }), "a host is where it belongs");
    assert.deepEqual([seat.class, seat.host.resourceVersion], [cls, "2"]);
  }
  for (const ticket of tickets.values()) {
    const newer = { ...ticket.claim };
    assert.ok(pool.updateClaim(ticket, newer), "a claim is where it belongs");
    assert.equal(ticket.claim, newer);
  }
  assert.equal(matching.version, version, "what says nothing new leaves every answer standing");
}

/** Few of them are asked for at a time, so that kinds and words are given up and taken up again. */
const KEYS = ["gpu", "zone", "rack", "constructor"];

test("whatever happens, a pool keeps what it needs, and nothing else", () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const random = new Random(seed * 7919);
    const world = new World();
    const size = { hosts: 8, claims: 30, changes: 0, keys: KEYS, values: ["a", "b", "c"] };
    for (let n = 0; n < 160; n++) {
      const asked = { ...size, keys: KEYS.slice(n < 80 ? 0 : 2) };
      const claim = generate.randomClaim(random, asked);
      const silent = n < 80 ? {} : { minCPUCores: 0, minMemoryGB: 0, minDiskGB: 0, cluster: "" };
      const host = generate.randomHost(random, size);
      const next = random.next();
      if (next < 0.15) world.setHost({ ...host, name: random.chance(0.2) ? `x${host.name}` : host.name });
      else if (next < 0.2) world.removeHost(host.uid);
      else if (next < 0.6) {
        world.setClaim({ ...claim, requirements: { ...claim.requirements, ...silent } });
      } else world.removeClaim(claim.id);
      try {
        assertSound(world);
      } catch (cause) {
        throw new Error(`seed ${seed}, after change ${n}`, { cause });
      }
    }
  }
});

test("a kind that nobody asks for any more is kept for the next time, unless there are too many of them", () => {
  const world = new World();
  const claimOf = (n: number) =>
    generate.aClaim(`m${n}`, { requirements: { ...NO_REQUIREMENTS, minDiskGB: n } });
  world.setHost(generate.aHost("h", { hardware: { cpuCores: 1, memoryGB: 1, diskGB: 9 } }));
  for (let n = 1; n <= SPARE_KINDS + 1; n++) {
    world.setClaim(claimOf(n));
    const { kind } = world.tickets.get(claimOf(n).id)!;
    world.removeClaim(claimOf(n).id);
    world.setClaim(claimOf(n));
    assert.equal(world.tickets.get(claimOf(n).id)!.kind === kind, n <= SPARE_KINDS, `of ${n} kinds`);
    world.removeClaim(claimOf(n).id);
  }
});
