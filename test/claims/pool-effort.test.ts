/** What a pool does not look at: answers would be the same, but with thousands of hosts and kinds they would be late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Claim, Host, Requirements } from "../../src/claims/claim.ts";
import { HostClass, type Kind, type Seat } from "../../src/claims/network.ts";
import { Pool } from "../../src/claims/pool.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "./generate.ts";

const looked = new Set<string>();

/** The names of those that are looked at meanwhile, in order. */
function lookedAt(work: () => void): string[] {
  looked.clear();
  work();
  return [...looked];
}

/** Notes when anything is read of it but its name and uid. */
function watched<T extends object>(name: string, item: T): T {
  return new Proxy(item, {
    get(target, property, receiver) {
      if (property !== "name" && property !== "uid") looked.add(name);
      return Reflect.get(target, property, receiver);
    },
  });
}

class Seats extends Map<string, Seat> {
  walks = 0;

  override values(): MapIterator<Seat> {
    this.walks++;
    return super.values();
  }
}

class World {
  readonly seats = new Seats();
  readonly pool = new Pool(this.seats);

  host(name: string, labels: Host["labels"]): Seat {
    const host = watched(name, aHost(name, { labels }));
    const seat = { host, class: new HostClass("", []) };
    this.seats.set(name, seat);
    this.pool.addSeat(seat);
    return seat;
  }

  claim(name: string, asked: Partial<Requirements>): Claim {
    return aClaim(name, { requirements: watched(name, { ...NO_REQUIREMENTS, ...asked }) });
  }

  ask(name: string, asked: Partial<Requirements>): Kind {
    return this.pool.addClaim(this.claim(name, asked));
  }

  zone(zone: string): void {
    this.ask(`zone ${zone}`, { requiredLabels: { zone } });
  }
}

test("a new kind looks only at hosts that say all that it requires", () => {
  const world = new World();
  for (const [name, zone, rack] of [
    ["a1", "a", "1"],
    ["a2", "a", "2"],
    ["b1", "b", "1"],
    ["b2", "b", "2"],
  ] as const) {
    world.host(name, { zone, rack });
  }
  for (const zone of ["a", "b"]) world.zone(zone);
  for (const rack of ["1", "2"]) world.ask(`rack ${rack}`, { requiredLabels: { rack } });
  const both = world.claim("both", { requiredLabels: { zone: "b", rack: "1" } });
  const hosts = lookedAt(() => world.pool.addClaim(both)).filter((name) => name !== "both");
  assert.deepEqual(hosts, ["b1"]);
});

test("a new host looks only at the kinds that require something that it says", () => {
  const world = new World();
  for (const zone of ["a", "b", "c"]) world.zone(zone);
  const kinds = lookedAt(() => world.host("b1", { zone: "b", disk: "ssd" }));
  assert.deepEqual(kinds.sort(), ["b1", "zone b"]);
});

test("a kind that requires several things is found by the one that fewest others require", () => {
  const world = new World();
  world.zone("a");
  for (const rack of ["1", "2", "3"]) world.ask(`rack ${rack}`, { requiredLabels: { rack, zone: "a" } });
  for (const rack of ["4", "5", "6"]) world.ask(`rack ${rack}`, { requiredLabels: { zone: "a", rack } });
  assert.deepEqual(lookedAt(() => world.host("a9", { zone: "a", rack: "9" })).sort(), ["a9", "zone a"]);
  assert.deepEqual(lookedAt(() => world.host("b2", { zone: "b", rack: "2" })).sort(), ["b2", "rack 2"]);
});

test("a value that is asked for the first time is looked for only where the label has no other known value", () => {
  const world = new World();
  world.host("a1", { zone: "a" });
  world.host("a2", { zone: "a", gpu: "" });
  world.host("b1", { zone: "b" });
  world.host("c1", { zone: "c" });
  world.host("none", {});
  world.zone("a");
  const hosts = lookedAt(() => world.ask("new", { requiredLabels: { zone: "b" } }));
  assert.deepEqual(hosts.sort(), ["b1", "c1", "new"]);
});

test("hosts are looked at as they came where most are concerned, and where few are, the others not even counted", () => {
  const world = new World();
  for (const name of ["h3", "h1", "h4", "h2", "h5", "h6"]) world.host(name, { zone: name });
  const first = lookedAt(() =>
    world.ask("new", { expressions: [{ key: "zone", operator: "Exists", values: [] }] }),
  );
  assert.deepEqual(
    first.filter((name) => name !== "new"),
    ["h3", "h1", "h4", "h2", "h5", "h6"],
  );
  assert.equal(world.seats.walks, 1);

  // Those of other pools are among the seats.
  for (let n = 0; n < 30; n++) world.seats.set(`${n}`, { host: aHost(`${n}`), class: new HostClass("", []) });
  world.zone("h1");
  assert.equal(world.seats.walks, 1);
});

test("hosts that say nothing of a new word, or of a new value, stay what they were", () => {
  const world = new World();
  const seats = ["a", "b", "other"].map((zone) => world.host(zone, { zone }));
  for (const zone of ["a", "b"]) world.zone(zone);
  const before = seats.map((seat) => seat.class.terms);
  world.ask("new word", { requiredTags: ["gpu"] });
  world.zone("new value");
  for (const [i, seat] of seats.entries()) assert.equal(seat.class.terms, before[i]);
});

test("hosts of which most say the same are told apart by moving the others", () => {
  const world = new World();
  const seats = ["h1", "h2", "h3", "h4"].map((name) => world.host(name, name === "h2" ? { gpu: "" } : {}));
  const common = seats[0]!.class;
  world.ask("new", { requiredTags: ["gpu"] });
  assert.deepEqual(
    seats.map((seat) => seat.class === common),
    [true, false, true, true],
  );
});
