import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FAULTS, scheduleOf } from "./schedule.ts";

const MINUTE_MS = 60_000;

describe("a schedule of faults", () => {
  test("is the same for the same seed, and another one for another seed", () => {
    assert.deepEqual(scheduleOf(7, MINUTE_MS), scheduleOf(7, MINUTE_MS));
    assert.notDeepEqual(scheduleOf(7, MINUTE_MS), scheduleOf(8, MINUTE_MS));
  });

  test("only goes on longer in a longer run", () => {
    const short = scheduleOf(7, MINUTE_MS);
    assert.deepEqual(scheduleOf(7, 10 * MINUTE_MS).slice(0, short.length), short);
  });

  test("has every kind within a run of 45 seconds, some of them at the same time", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const schedule = scheduleOf(seed, 0.75 * MINUTE_MS);
      const kinds = new Set(schedule.map(({ fault }) => fault));
      assert.equal(kinds.size, FAULTS.length, `seed ${seed}`);
      assert.ok(
        schedule.some(({ atMs, lastsMs }, at) => (schedule[at + 1]?.atMs ?? Infinity) < atMs + lastsMs),
        `seed ${seed}`,
      );
    }
  });

  test("has every kind before it repeats one, also in a run of seconds", () => {
    for (let seed = 1; seed <= 50; seed++) {
      for (const durationMs of [5_000, MINUTE_MS]) {
        const first = scheduleOf(seed, durationMs).slice(0, FAULTS.length);
        assert.equal(new Set(first.map(({ fault }) => fault)).size, FAULTS.length, `seed ${seed}`);
      }
    }
  });

  test("has nothing but what was asked for", () => {
    const kinds = new Set(scheduleOf(7, MINUTE_MS, ["kill", "freeze"]).map(({ fault }) => fault));
    assert.deepEqual([...kinds].sort(), ["freeze", "kill"]);
  });
});
