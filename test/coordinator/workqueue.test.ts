import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WorkQueue } from "../../src/coordinator/workqueue.ts";
import { FakeClock } from "../support/fake-clock.ts";

function setUp(reconcile: (key: string) => Promise<number | undefined>, parallelism = 2) {
  const clock = new FakeClock();
  const errors: string[] = [];
  const end = new AbortController();
  const queue = new WorkQueue({
    clock,
    random: () => 0.5,
    parallelism,
    reconcile,
    onError: (key) => void errors.push(key),
  });
  queue.start(end.signal);
  return { clock, queue, errors, end };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the work queue", () => {
  test("works on a key once, however often it was added before its turn", async () => {
    const worked: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { queue } = setUp(async (key) => {
      worked.push(key);
      await gate.promise;
      return undefined;
    }, 1);
    for (const key of ["a", "b", "b", "b"]) queue.add(key);
    gate.resolve();
    await settled();
    assert.deepEqual(worked, ["a", "b"]);
  });

  test("works again on a key that was added meanwhile, never twice at the same time", async () => {
    let active = 0;
    let most = 0;
    let rounds = 0;
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { queue } = setUp(async () => {
      most = Math.max(most, ++active);
      await gates[rounds++]!.promise;
      active--;
      return undefined;
    });
    queue.add("a");
    queue.add("a");
    queue.add("a");
    gates[0]!.resolve();
    await settled();
    assert.equal(rounds, 2);
    gates[1]!.resolve();
    await settled();
    assert.deepEqual([most, rounds, queue.size], [1, 2, 0]);
  });

  test("retries what failed, later each time, and from the beginning after a success", async () => {
    const outcomes = ["fail", "fail", "ok", "fail"];
    const attemptsAtMs: number[] = [];
    const { queue, clock, errors } = setUp(async () => {
      attemptsAtMs.push(clock.monotonicMs());
      if (outcomes.shift() === "fail") throw new Error("no");
      return undefined;
    });
    queue.add("a");
    await settled();
    for (let ms = 0; ms < 1_000; ms += 50) {
      await clock.advance(50);
      await settled();
    }
    assert.deepEqual(attemptsAtMs, [0, 150, 450]);
    queue.add("a");
    await settled();
    await clock.advance(150);
    await settled();
    assert.equal(attemptsAtMs.length, 5);
    assert.deepEqual(errors, ["a", "a", "a"]);
  });

  test("asks again after the time that a reconcile names; an earlier appointment stays", async () => {
    let rounds = 0;
    const { queue, clock } = setUp(async () => (rounds++ === 0 ? 500 : undefined));
    queue.add("a");
    await settled();
    queue.addAfter("a", 900);
    await clock.advance(499);
    assert.equal(rounds, 1);
    await clock.advance(1);
    await settled();
    assert.equal(rounds, 2);
    await clock.advance(1_000);
    await settled();
    assert.equal(rounds, 2);
  });

  test("starts nothing once it has been told to end, and keeps no timer", async () => {
    let rounds = 0;
    const { queue, clock, end } = setUp(async () => {
      rounds++;
      return 10;
    });
    queue.add("a");
    await settled();
    end.abort();
    queue.add("b");
    await clock.advance(1_000);
    await settled();
    assert.equal(rounds, 1);
    assert.equal(clock.pending, 0);
  });
});
