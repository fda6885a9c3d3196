import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULTS } from "./faults.ts";
import { withoutChance } from "./no-chance.ts";
import { type Plan, parsePlan, planOf } from "./plan.ts";
import { run } from "./run.ts";
import { explained } from "./shrink.ts";

/**
 * As many seeds as fit; `SIM_SEEDS` says how many instead, `SIM_FROM` from which on. Continuous integration runs
 * thousands from 1 on besides (.ci/run).
 */
const BUDGET_MS = 30_000;
const { SIM_SEED, SIM_PLAN, SIM_SEEDS, SIM_FROM = "100001" } = process.env;

const EVERYTHING: Plan = {
  seed: 7,
  replicas: 3,
  standing: 3,
  controllers: ["current", "current"],
  hosts: 4,
  machines: 5,
  requests: 1,
  faults: FAULTS,
  faultMs: 30_000,
  arrivalMs: 10_000,
  without: [],
  lease: { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
};

describe("a simulated cluster", () => {
  it("is the same run for the same seed, and takes nothing from this machine", async () => {
    const first = await withoutChance(() => run(EVERYTHING));
    const second = await run(EVERYTHING);
    assert.deepEqual(first.violations, []);
    assert.equal(first.hash, second.hash);
    assert.ok(first.events > 500, `only ${first.events} events`);
  });

  it("is another run for another seed", async () => {
    const [one, other] = [await run(planOf(1)), await run(planOf(2))];
    assert.notEqual(one.hash, other.hash);
  });

  it("binds every claim that fits, without any fault, within seconds", async () => {
    const result = await run({ ...EVERYTHING, faults: [] });
    assert.deepEqual(result.violations, []);
    assert.ok(result.healedAfterMs <= 2_000, `${result.healedAfterMs} ms`);
    assert.ok(result.counts.bound >= 4, `${result.counts.bound} bound`);
  });

  it("is safe under faults and well after them, whatever the seed", async (t) => {
    if (SIM_SEED !== undefined || SIM_PLAN !== undefined) {
      const plan = SIM_PLAN === undefined ? planOf(Number(SIM_SEED)) : parsePlan(SIM_PLAN);
      const result = await run(plan, (line) => t.diagnostic(line));
      assert.deepEqual(result.violations, []);
      return;
    }
    const endMs = performance.now() + BUDGET_MS;
    const goesOn = (done: number) =>
      SIM_SEEDS === undefined ? performance.now() < endMs : done < Number(SIM_SEEDS);
    const seen = { optimistic: 0, led: 0, ordered: 0, bound: 0 };
    let done = 0;
    for (; goesOn(done); done++) {
      const plan = planOf(Number(SIM_FROM) + done);
      const result = await run(plan);
      if (result.violations.length > 0) assert.fail(await explained(plan, result));
      for (const what of Object.keys(seen) as (keyof typeof seen)[]) seen[what] += result.counts[what];
    }
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `nothing was ${what}`);
    t.diagnostic(`${done} seeds: ${JSON.stringify(seen)}`);
  });
});
