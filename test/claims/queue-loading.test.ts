/** `load`: everything is matched once, at its end; and small pools are laid down again after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Matching } from "../../src/claims/matching.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost, POOL } from "./generate.ts";

const needs = (key: string) => ({ ...NO_REQUIREMENTS, requiredTags: [key] });

/** A host and a claim for it in each of several pools. */
function loadPools(queue: ClaimQueue, names: readonly string[]): void {
  queue.load(() => {
    for (const name of names) queue.setHost(aHost(name, { namespace: name }));
    for (const [n, name] of names.entries()) {
      queue.setClaim(aClaim(name, { pool: `PhysicalHost/${name}`, createdAtMs: n }));
    }
  });
}

test("a queue is not loaded while it is loading, and the load that was going on is finished", () => {
  const queue = new ClaimQueue();
  assert.throws(
    () =>
      queue.load(() => {
        queue.setHost(aHost("h1"));
        queue.load(() => {});
      }),
    /the queue is loading already/,
  );
  queue.setClaim(aClaim("m1"));
  assert.equal(queue.choose(aClaim("m1").id), "uid-h1");
});

test("a queue that is loading says of nobody that nothing is there for them", () => {
  const queue = new ClaimQueue();
  queue.load(() => assert.throws(() => queue.place(), /asked while it is loading/));
});

test("claims that were loaded into more pools than are kept ready have their places", () => {
  const queue = new ClaimQueue(1);
  loadPools(queue, ["a", "b", "c"]);
  assert.deepEqual(
    queue.pools().map(({ placed }) => placed),
    [1, 1, 1],
  );
  assert.equal([...queue.place()].length, 3);
});

test("after loading no more pools are kept ready than before: who asks the others waits for them to be built", (t) => {
  const queue = new ClaimQueue(1);
  loadPools(queue, ["a", "b", "c"]);
  const { mock } = t.mock.method(Matching.prototype, "finishLoading");
  for (const name of ["c", "b", "a", "a"]) queue.displaced(aClaim("other"), `uid-${name}`);
  assert.equal(mock.callCount(), 2);
  queue.setHost(aHost("d", { namespace: "d" }));
  queue.displaced(aClaim("other"), "uid-a");
  assert.equal(mock.callCount(), 3);
});

test("however much is loaded into a pool, it is matched once", (t) => {
  const queue = new ClaimQueue();
  queue.setHost(aHost("h0"));
  const started = t.mock.method(Matching.prototype, "startLoading").mock;
  const finished = t.mock.method(Matching.prototype, "finishLoading").mock;
  queue.load(() => {
    for (const n of [1, 2, 3]) queue.setHost(aHost(`h${n}`));
    for (const n of [1, 2, 3]) queue.setClaim(aClaim(`m${n}`));
    queue.removeHost("uid-h0");
    assert.deepEqual([started.callCount(), finished.callCount()], [1, 0]);
  });
  assert.deepEqual([started.callCount(), finished.callCount()], [1, 1]);
});

test("an answer from before loading is not remembered after it, be it a host or a claim that was loaded", () => {
  const [high, low] = [aClaim("high", { createdAtMs: 1 }), aClaim("low", { createdAtMs: 2 })];
  const late = aClaim("late", { createdAtMs: 9 });
  const queue = new ClaimQueue();
  queue.setHost(aHost("h1"));
  queue.setClaim(high);
  assert.equal(queue.displaced(late, "uid-h1"), high);
  queue.load(() => queue.setHost(aHost("h2")));
  assert.equal(queue.displaced(late, "uid-h1"), null);
  queue.load(() => queue.setClaim(low));
  assert.equal(queue.displaced(late, "uid-h1"), low);
});

test("a pool is loaded also where kinds of claims that it knew have been forgotten", () => {
  const queue = new ClaimQueue();
  for (const name of ["h1", "h2"]) queue.setHost(aHost(name));
  // More than are kept in case that they come again.
  for (let n = 0; n < 40; n++) {
    queue.setClaim(aClaim(`m${n}`, { requirements: needs(`key-${n}`) }));
    queue.removeClaim(aClaim(`m${n}`).id);
  }
  const claim = aClaim("loaded");
  queue.load(() => queue.setClaim(claim));
  assert.deepEqual([...queue.place()], [{ claim, hostUid: "uid-h1" }]);
  assert.deepEqual(queue.waiting(POOL), [claim]);
});
