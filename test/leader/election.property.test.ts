/**
 * Electors under generated faults. More cases: ELECTION_CASES=10000; the same ones again: ELECTION_SEED=<the number
 * that a failure prints>.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { Clock } from "../../src/clock.ts";
import { Elector } from "../../src/leader/elector.ts";
import { silentLog } from "../../src/log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { LeaseServer } from "./lease-server.ts";
import { distantApi, type Freeze, type Passage, ReplicaClock } from "./replica.ts";

const { ELECTION_CASES = "60", ELECTION_SEED } = process.env;
const LEASE_MS = 12_000;
const RENEW_MS = 11_000;
const RETRY_MS = 2_000;
/** Clocks must not run apart faster than lease duration : renew deadline, here 1.09; these reach 1.08. */
const rate = fc.constantFrom(0.96, 1, 1.037);
const fault = fc.record({
  /** Whom it hits: the one of this index, or the one who leads when it begins. */
  replica: fc.oneof(fc.nat(3), fc.constant("leader")),
  atMs: fc.nat(90_000),
  forMs: fc.nat(40_000),
  kind: fc.constantFrom<Freeze | "partitioned" | "answers lost" | "slow">(
    "stopped",
    "suspended",
    "partitioned",
    "answers lost",
    "slow",
  ),
});
const scenario = fc.record({
  rates: fc.array(rate, { minLength: 2, maxLength: 4 }),
  faults: fc.array(fault, { maxLength: 12 }),
  watched: fc.boolean(),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** Park and Miller's generator: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

class Replica {
  readonly clock: ReplicaClock;
  readonly elector: Elector;
  readonly troubles = new Set<string>();
  readonly #random: () => number;

  constructor(identity: string, clockRate: number, world: Clock, server: LeaseServer, random: () => number) {
    this.#random = random;
    this.clock = new ReplicaClock(world, clockRate);
    this.elector = new Elector({
      api: distantApi(server, world, this.clock, () => this.#passage()),
      clock: this.clock,
      log: silentLog,
      random,
      namespace: "ns",
      name: "leader",
      identity,
      leaseDurationMs: LEASE_MS,
      renewDeadlineMs: RENEW_MS,
      retryPeriodMs: RETRY_MS,
      onStartedLeading() {},
      onStoppedLeading() {},
    });
  }

  #passage(): Passage {
    const slow = this.troubles.has("slow") ? 9_000 : 50;
    const lost = this.troubles.has("partitioned")
      ? "request"
      : this.troubles.has("answers lost")
        ? "answer"
        : "nothing";
    return { thereMs: slow * this.#random(), backMs: slow * this.#random(), lost };
  }
}

async function play({ rates, faults, watched, seed }: Scenario): Promise<void> {
  const world = new FakeClock();
  const server = new LeaseServer();
  const random = seeded(seed);
  const replicas = rates.map((r, index) => new Replica(`pod-${index}_u`, r, world, server, random));
  const stop = new AbortController();
  if (watched) {
    server.watchers.add((lease, version) => {
      for (const { clock, elector } of replicas) {
        world.schedule(200 * random(), () => clock.schedule(0, () => elector.noteLease(lease, version)));
      }
    });
  }

  const holders = () => replicas.filter(({ clock, elector }) => !clock.frozen && elector.isLeader());
  function check(): void {
    const held = holders().map(({ elector }) => elector.termHolds());
    assert.ok(held.length <= 1, `two lead: ${JSON.stringify(held)}`);
    if (held[0]) assert.equal(held[0].holderIdentity, server.spec.holderIdentity);
  }

  for (const { replica: index, atMs, forMs, kind } of faults) {
    let replica: Replica;
    world.schedule(atMs, () => {
      const at = typeof index === "number" ? index : replicas.findIndex(({ elector }) => elector.isLeader());
      replica = replicas[Math.max(0, at) % replicas.length]!;
      if (kind === "stopped" || kind === "suspended") replica.clock.freeze(kind);
      else replica.troubles.add(kind);
    });
    world.schedule(atMs + forMs, () => {
      if (kind === "stopped" || kind === "suspended") replica.clock.thaw();
      else replica.troubles.delete(kind);
      check();
    });
  }
  const runs = replicas.map(({ elector }) => elector.run(stop.signal));
  for (let atMs = 0; atMs < 130_000; atMs += 250) {
    await world.advance(250);
    check();
  }
  // All faults are over. The longest wait: a lease duration and a retry, on the slowest clock, and slow calls.
  await world.advance(2 * LEASE_MS);
  check();
  const [last] = holders();
  assert.ok(last, "one leads again after the faults");
  last.clock.freeze("stopped");
  await world.advance(2 * LEASE_MS);
  assert.equal(holders().length, 1, "another leads when that one is dead");
  last.clock.thaw();
  check();
  stop.abort();
  await world.advance(RENEW_MS);
  await Promise.all(runs);
}

it("never lets two lead at once, and one leads again when the faults are over", async () => {
  await fc.assert(fc.asyncProperty(scenario, play), {
    numRuns: Number(ELECTION_CASES),
    ...(ELECTION_SEED !== undefined && { seed: Number(ELECTION_SEED) }),
  });
});
