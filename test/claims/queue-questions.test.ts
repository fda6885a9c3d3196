/** Questions about several pools, equal ages, hosts in other orders than they came in, and answers that grow old. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Matching } from "../../src/claims/matching.ts";
import { Pool } from "../../src/claims/pool.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost, POOL } from "./generate.ts";

const needs = (key: string) => ({ ...NO_REQUIREMENTS, requiredTags: [key] });
const inPool = (name: string, createdAtMs: number) =>
  aClaim(`${name}${createdAtMs}`, { createdAtMs, pool: `PhysicalHost/${name}` });

test("over all pools the highest claims are placed first, and no more than were asked for", () => {
  const queue = new ClaimQueue();
  for (const name of ["b", "a"])
    for (const n of [1, 2]) queue.setHost(aHost(`${name}${n}`, { namespace: name }));
  const claims = [inPool("b", 2), inPool("b", 3), inPool("a", 1), inPool("a", 4)];
  for (const claim of claims) queue.setClaim(claim);
  const order = [claims[2]!, claims[0]!, claims[1]!, claims[3]!];
  const placed = (most?: number) => [...queue.place(most)].map(({ claim }) => claim);
  assert.deepEqual(placed(), order);
  for (const most of [0, 1, 2, 3, 4]) assert.deepEqual(placed(most), order.slice(0, most));
});

test("placing builds no pool in which nobody has a place", (t) => {
  const queue = new ClaimQueue(1);
  queue.setClaim(inPool("a", 1));
  queue.setHost(aHost("b1", { namespace: "b" }));
  queue.setHost(aHost("c1", { namespace: "c" }));
  queue.setClaim(inPool("c", 1));
  const { mock } = t.mock.method(Matching.prototype, "finishLoading");
  assert.equal([...queue.place()].length, 1);
  assert.equal(mock.callCount(), 0);
});

test("pools are listed by name, whichever was there first", () => {
  const queue = new ClaimQueue();
  for (const name of ["b", "d", "a", "c"]) queue.setHost(aHost(name, { namespace: name }));
  assert.deepEqual(
    queue.pools().map(({ pool }) => pool),
    ["a", "b", "c", "d"].map((name) => `PhysicalHost/${name}`),
  );
});

test("a pool is gone with its last host when no claim waits there", () => {
  const queue = new ClaimQueue();
  queue.setHost(aHost("h1"));
  assert.equal(queue.hasHost("uid-h1"), true);
  queue.setClaim(aClaim("m1"));
  queue.removeClaim(aClaim("m1").id);
  queue.removeHost("uid-h1");
  assert.equal(queue.hasHost("uid-h1"), false);
  assert.deepEqual(queue.pools(), []);
});

test("the oldest claim is the one created first, whatever its points; of equally old ones the highest", () => {
  const old = aClaim("old", { createdAtMs: 1_000 });
  const alike = aClaim("alike", { createdAtMs: 1_000, uid: "uid-z" });
  const raised = aClaim("raised", { createdAtMs: 2_000, bonusPoints: 10 });
  for (const claims of [
    [old, alike, raised],
    [raised, alike, old],
    [alike, raised, old],
  ]) {
    const queue = new ClaimQueue();
    for (const claim of claims) queue.setClaim(claim);
    assert.equal(queue.oldest(), old);
    assert.equal(queue.oldest(POOL), old);
  }
});

test("the error names the claim and what can't be compared", () => {
  const claim = aClaim("m1", { createdAtMs: 0.5, bonusPoints: 7 });
  assert.throws(() => new ClaimQueue().setClaim(claim), {
    name: "RangeError",
    message: `claim ${claim.id}: createdAtMs 0.5, bonusPoints 7`,
  });
});

test("each host is explained by its own claim, and one that stays free by nobody", () => {
  const queue = new ClaimQueue();
  for (const name of ["h1", "h2", "h3"]) queue.setHost(aHost(name));
  const claims = [1, 2].map((n) => aClaim(`m${n}`, { createdAtMs: n }));
  for (const claim of claims) queue.setClaim(claim);
  assert.deepEqual(
    ["h1", "h2", "h3"].map((name) => queue.explainHost(`uid-${name}`)),
    [...claims, null],
  );
});

test("the hosts of a claim are explained by name, and by uid where two have one name, whatever they say", () => {
  const expected = ["1-a", "1-b", "2-a", "2-b", "3-a"];
  for (const first of [0, 1, 2, 3, 4]) {
    const queue = new ClaimQueue();
    queue.setClaim(aClaim("m1", { requirements: needs("gpu") }));
    for (let n = 0; n < expected.length; n++) {
      const uid = expected[(first + 2 * n) % expected.length]!;
      queue.setHost(aHost(uid[0]!, { uid, labels: uid.endsWith("a") ? { gpu: "" } : {} }));
    }
    const hosts = [...queue.explainClaim(aClaim("m1").id)!.hosts];
    assert.deepEqual(
      hosts.map(({ host }) => host.uid),
      expected,
    );
  }
});

test("a newer state that says nothing new is not matched again", (t) => {
  const queue = new ClaimQueue();
  queue.setHost(aHost("h1"));
  queue.setClaim(aClaim("m1"));
  const calls = (["addSeat", "addClaim"] as const).map((name) => t.mock.method(Pool.prototype, name).mock);
  queue.setHost(aHost("h1", { resourceVersion: "2" }));
  queue.setClaim(aClaim("m1"));
  assert.deepEqual(
    calls.map((call) => call.callCount()),
    [0, 0],
  );
});

const late = aClaim("late", { createdAtMs: 9_000 });

test("an answer is not remembered when one host goes and another comes", () => {
  const queue = new ClaimQueue();
  const labels = { gpu: "" };
  for (const name of ["h1", "h2"]) queue.setHost(aHost(name, { labels }));
  const claim = aClaim("m1", { requirements: needs("gpu") });
  queue.setClaim(claim);
  queue.setClaim(aClaim("plain", { createdAtMs: 1 }));
  assert.equal(queue.displaced(late, "uid-h1")?.consumer.name, "plain");
  queue.removeHost("uid-h2");
  queue.setHost(aHost("p1"));
  assert.equal(queue.displaced(late, "uid-h1"), claim);
});

test("an answer is not remembered when one claim goes and a host comes", () => {
  const queue = new ClaimQueue();
  const claims = [1, 2].map((n) => aClaim(`m${n}`, { createdAtMs: n }));
  for (const name of ["h1", "h2"]) queue.setHost(aHost(name));
  for (const claim of claims) queue.setClaim(claim);
  assert.equal(queue.displaced(late, "uid-h1"), claims[1]);
  queue.removeClaim(claims[1]!.id);
  queue.setHost(aHost("h3"));
  assert.equal(queue.displaced(late, "uid-h1"), null);
});

test("hosts that nobody tells apart any more are all there for the next claim", () => {
  for (const rareOne of ["h1", "h2"]) {
    const queue = new ClaimQueue();
    for (const name of ["h1", "h2"])
      queue.setHost(aHost(name, { labels: name === rareOne ? { gpu: "" } : {} }));
    const rare = aClaim("rare", { requirements: needs("gpu") });
    queue.setClaim(rare);
    queue.setClaim(aClaim("first", { createdAtMs: 1 }));
    queue.removeClaim(rare.id);
    // The plain host has its claim. Now what told the other one apart is forgotten, while that is spare.
    for (let n = 0; n < 40; n++) {
      queue.setClaim(aClaim(`m${n}`, { requirements: needs(`key-${n}`) }));
      queue.removeClaim(aClaim(`m${n}`).id);
    }
    queue.setClaim(aClaim("second", { createdAtMs: 2 }));
    assert.deepEqual(
      [...queue.place()].map(({ hostUid }) => hostUid),
      ["uid-h1", "uid-h2"],
    );
  }
});
