/**
 * The queue against the reference, over generated histories. More cases: CLAIMS_CASES=1000000; one case again:
 * CLAIMS_SEED=<the number that a failure prints> CLAIMS_CASES=1.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClaimQueue } from "../../src/claims/queue.ts";
import * as generate from "./generate.ts";
import { Random } from "./random.ts";
import * as reference from "./reference.ts";

const CASES = Number(process.env.CLAIMS_CASES ?? 25_000);
const FIRST_SEED = Number(process.env.CLAIMS_SEED ?? 1);

function apply(queue: ClaimQueue, change: generate.Change): void {
  if (change.type === "setHost") queue.setHost(change.host);
  else if (change.type === "removeHost") queue.removeHost(change.uid);
  else if (change.type === "setClaim") queue.setClaim(change.claim);
  else queue.removeClaim(change.id);
}

interface Case extends generate.World {
  readonly random: Random;
  readonly size: generate.Size;
  readonly queue: ClaimQueue;
}

/**
 * Asks `check` about the world after a generated history, `cases` times; a failure names its seed. `test` is a number
 * of the test's own, so that no two of them look at the same histories.
 */
function forAll(test: number, size: generate.Size, cases: number, check: (generated: Case) => void): void {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + cases; seed++) {
    const random = new Random((seed + test * 1_000_003) * 7919);
    const queue = new ClaimQueue(1);
    const changes: generate.Change[] = [];
    try {
      for (let n = 1 + random.below(size.changes); n > 0; n--) {
        const change = generate.randomChange(random, size);
        changes.push(change);
        apply(queue, change);
        if (random.chance(0.2)) lookElsewhere(queue);
        // Questions between changes must leave nothing behind that a later answer could be made of.
        if (random.chance(0.2))
          queue.displaced(generate.randomClaim(random, size), `uid-h${random.below(3)}`);
      }
      check({ random, size, queue, ...generate.worldAfter(changes) });
    } catch (cause) {
      throw new Error(`repeat with CLAIMS_SEED=${seed} CLAIMS_CASES=1`, { cause });
    }
  }
}

/** Only the pool that was touched last is kept ready in these tests. */
function lookElsewhere(queue: ClaimQueue): void {
  queue.setHost(generate.aHost("away", { namespace: "elsewhere" }));
  queue.removeHost("uid-away");
}

function placed(queue: ClaimQueue): string[] {
  return [...queue.place()].map(({ claim, hostUid }) => `${claim.id} ${hostUid}`);
}

function agreesOnDisplaced({ random, size, queue, hosts, claims }: Case): void {
  for (const host of random.shuffle(hosts).slice(0, 8)) {
    const outsider = { ...generate.randomClaim(random, size), id: "outsider" };
    const insider = claims.length > 0 ? random.pick(claims) : outsider;
    for (const asking of [outsider, insider]) {
      const want = reference.displaced(claims, hosts, asking, host.uid);
      assert.equal(queue.displaced(asking, host.uid)?.id ?? null, want, `${asking.id} takes ${host.name}`);
    }
  }
}

test("a claim may take a host exactly when no higher claim loses its place by that", () => {
  forAll(1, generate.SMALL, CASES, agreesOnDisplaced);
});

test("the claims with a place are the best set that any assignment can serve", () => {
  forAll(2, { ...generate.SMALL, hosts: 4, claims: 5 }, CASES, ({ queue, hosts, claims }) => {
    const got = [...queue.place()].map(({ claim }) => claim.id);
    assert.deepEqual(got, reference.bestSet(claims, hosts));
  });
});

test("each claim chooses a host that costs nobody a place, the best of these", () => {
  forAll(3, generate.SMALL, CASES, ({ queue, hosts, claims }) => {
    for (const claim of claims) {
      assert.equal(queue.choose(claim.id), reference.choose(claims, hosts, claim), claim.id);
    }
  });
});

test("placing only the first few is the beginning of placing all", () => {
  forAll(4, generate.SMALL, CASES, ({ random, queue }) => {
    const all = placed(queue);
    const most = random.below(all.length + 2);
    const first = [...queue.place(most)].map(({ claim, hostUid }) => `${claim.id} ${hostUid}`);
    assert.deepEqual(first, all.slice(0, most));
  });
});

test("placing all is the same as serving the highest claim again and again, and changes nothing", () => {
  forAll(5, generate.SMALL, CASES, ({ queue, hosts, claims }) => {
    const first = placed(queue);
    assert.deepEqual(first, reference.place(claims, hosts));
    assert.deepEqual(placed(queue), first);
    const used = new Set([...queue.place()].map(({ hostUid }) => hostUid));
    const served = new Set([...queue.place()].map(({ claim }) => claim.id));
    for (const claim of claims) {
      if (served.has(claim.id)) continue;
      const left = hosts.find((host) => !used.has(host.uid) && reference.fitsHost(claim.requirements, host));
      assert.equal(left, undefined, `${claim.id} waits though a host is free`);
    }
  });
});

test("the order in which hosts and claims came makes no difference", () => {
  forAll(6, generate.SMALL, CASES, ({ random, queue, hosts, claims }) => {
    const other = new ClaimQueue();
    const entries = random.shuffle<generate.Change>([
      ...hosts.map((host) => ({ type: "setHost" as const, host })),
      ...claims.map((claim) => ({ type: "setClaim" as const, claim })),
    ]);
    for (const entry of entries) apply(other, entry);
    assert.deepEqual(placed(queue), placed(other));
    for (const host of hosts) {
      for (const claim of claims) {
        assert.equal(queue.displaced(claim, host.uid)?.id, other.displaced(claim, host.uid)?.id);
      }
    }
    assert.deepEqual(queue.waiting(generate.POOL), other.waiting(generate.POOL));
  });
});

test("a claim takes no place from those above it, though it may change which host they get", () => {
  forAll(7, generate.SMALL, CASES, ({ random, size, queue, hosts, claims }) => {
    const before = reference.greedy(claims, hosts);
    const other = { ...generate.randomClaim(random, size), id: "other" };
    queue.setClaim(other);
    const after = new Set([...queue.place()].map(({ claim }) => claim.id));
    for (const claim of claims) {
      if (!reference.comesBefore(claim, other)) continue;
      assert.equal(after.has(claim.id), before.has(claim.id), claim.id);
    }
  });
});

test("a claim that gets no host changes neither who is served nor which host anybody gets", () => {
  forAll(8, generate.SMALL, CASES, ({ random, size, queue }) => {
    const before = placed(queue);
    queue.setClaim({ ...generate.randomClaim(random, size), id: "other" });
    const after = placed(queue);
    if (!after.some((line) => line.startsWith("other "))) assert.deepEqual(after, before);
  });
});

test("all of this holds where there are many kinds and classes, some of them forgotten on the way", () => {
  forAll(9, generate.LARGE, Math.ceil(CASES / 500), (generated) => {
    const { queue, hosts, claims, random } = generated;
    agreesOnDisplaced(generated);
    assert.deepEqual(
      new Set([...queue.place()].map(({ claim }) => claim.id)),
      new Set(reference.greedy(claims, hosts).keys()),
    );
    for (const claim of random.shuffle(claims).slice(0, 4)) {
      assert.equal(queue.choose(claim.id), reference.choose(claims, hosts, claim));
    }
    const position = reference.sorted(claims);
    for (const claim of claims) assert.equal(queue.position(claim.id), position.indexOf(claim) + 1);
  });
});

/** Of these one third is asked for at a time, so that in the end nobody knows the others any more. */
const PASSING_KEYS = Array.from({ length: 9 }, (_, index) => `key-${index}`);

test("all of this holds when what told hosts apart has been forgotten, and is asked for again", () => {
  const cases = CASES === 1 ? 1 : Math.max(4, Math.ceil(CASES / 2_500));
  for (let seed = FIRST_SEED; seed < FIRST_SEED + cases; seed++) {
    const random = new Random(seed * 7919);
    const size = { ...generate.LARGE, hosts: 16, claims: 40, keys: PASSING_KEYS };
    const queue = new ClaimQueue(1);
    const changes: generate.Change[] = [];
    const change = (next: generate.Change) => {
      changes.push(next);
      apply(queue, next);
    };
    for (let n = 0; n < size.hosts; n++) {
      change({
        type: "setHost",
        host: { ...generate.randomHost(random, size), name: `h${n}`, uid: `uid-h${n}` },
      });
    }
    for (const first of [0, 3, 6, 0]) {
      const asked = { ...size, keys: PASSING_KEYS.slice(first, first + 3) };
      // Minima and clusters are forgotten too, when a third of the time nobody speaks of them.
      const silent = first === 3 ? { minCPUCores: 0, minMemoryGB: 0, minDiskGB: 0, cluster: "" } : {};
      for (let n = 0; n < size.claims; n++) {
        const claim = generate.randomClaim(random, asked);
        const requirements = { ...claim.requirements, ...silent };
        change({ type: "setClaim", claim: { ...claim, requirements, id: `m${n}` } });
        if (random.chance(0.2)) change({ type: "setHost", host: generate.randomHost(random, size) });
      }
      for (let n = 0; n < size.claims; n += 2) change({ type: "removeClaim", id: `m${n}` });
      const { hosts, claims } = generate.worldAfter(changes);
      agreesOnDisplaced({ random, size: asked, queue, hosts, claims });
      assert.deepEqual(placed(queue), reference.place(claims, hosts), `CLAIMS_SEED=${seed}`);
      for (const claim of random.shuffle(claims).slice(0, 6)) {
        assert.equal(queue.choose(claim.id), reference.choose(claims, hosts, claim), `CLAIMS_SEED=${seed}`);
      }
    }
  }
});
