import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULTS } from "./faults.ts";
import { withoutChance } from "./no-chance.ts";
import { formatPlan, type Plan, parsePlan, planOf } from "./plan.ts";
import { type Result, run } from "./run.ts";
import { shrink } from "./shrink.ts";

/** As many seeds as fit; `SIM_SEEDS` says how many instead, `SIM_FROM` from which on. */
const BUDGET_MS = 90_000;
const { SIM_SEED, SIM_PLAN, SIM_SEEDS, SIM_FROM = "1" } = process.env;

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
  lease: { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
};

/** The failure with its shortest form and the way to see both again. */
async function explained(plan: Plan, result: Result): Promise<string> {
  const shortest = await shrink(plan, result);
  return [
    `SIM_SEED=${plan.seed} fails: ${result.violations.join("\n")}`,
    `The shortest run that fails alike: ${shortest.result.violations[0]}`,
    `SIM_PLAN='${formatPlan(shortest.plan)}' node scripts/run.mjs test/simulation/explore.ts`,
  ].join("\n");
}

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
    let done = 0;
    for (; goesOn(done); done++) {
      const plan = planOf(Number(SIM_FROM) + done);
      const result = await run(plan);
      if (result.violations.length > 0) assert.fail(await explained(plan, result));
    }
    t.diagnostic(`${done} seeds`);
  });
});
