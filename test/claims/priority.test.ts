import assert from "node:assert/strict";
import { test } from "node:test";
import { bonus, compareClaims, priorityPoints, rankMs } from "../../src/claims/priority.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim } from "./generate.ts";
import { Random } from "./random.ts";

const MINUTE = 60_000;

test("a claim has 100 points, one for every whole minute of age, and its bonus", () => {
  const claim = aClaim("m1", { createdAtMs: 5 * MINUTE, bonusPoints: 50 });
  assert.equal(priorityPoints(claim, 5 * MINUTE), 150);
  assert.equal(priorityPoints(claim, 6 * MINUTE - 1), 150);
  assert.equal(priorityPoints(claim, 6 * MINUTE), 151);
});

test("a claim from the future has no age yet", () => {
  assert.equal(priorityPoints(aClaim("m1", { createdAtMs: 5 * MINUTE }), 0), 100);
});

test("only tags make a claim less simple, and the annotation adds to it", () => {
  assert.equal(bonus(NO_REQUIREMENTS, 0), 50);
  assert.equal(bonus({ ...NO_REQUIREMENTS, requiredLabels: { a: "b" }, minCPUCores: 4 }, -7), 43);
  assert.equal(bonus({ ...NO_REQUIREMENTS, requiredTags: ["gpu"] }, 7), 7);
  assert.equal(bonus({ ...NO_REQUIREMENTS, preferredTags: ["gpu"] }, 0), 0);
});

test("a point is worth a minute of waiting, exactly", () => {
  const old = aClaim("old", { createdAtMs: 0 });
  const rich = aClaim("rich", { createdAtMs: MINUTE - 1, bonusPoints: 1 });
  assert.ok(compareClaims(rich, old) < 0);
  assert.ok(compareClaims(old, { ...rich, createdAtMs: MINUTE + 1 }) < 0);
});

test("ties are broken by uid", () => {
  const a = aClaim("z", { uid: "a" });
  const b = aClaim("y", { uid: "b" });
  assert.ok(compareClaims(a, b) < 0 && compareClaims(b, a) > 0);
  assert.equal(compareClaims(a, a), 0);
});

test("exact order and integers never contradict each other, at any time at which both claims exist", () => {
  for (let seed = 1; seed <= 100_000; seed++) {
    const random = new Random(seed);
    const some = (name: string) =>
      aClaim(name, {
        createdAtMs: 1_700_000_000_000 + random.below(3_000) * 1_000,
        bonusPoints: random.below(120) - 60,
      });
    const [a, b] = [some("a"), some("b")];
    const from = Math.max(a.createdAtMs, b.createdAtMs);
    for (let n = 0; n < 4; n++) {
      const nowMs = from + random.below(10_000_000);
      const difference = priorityPoints(a, nowMs) - priorityPoints(b, nowMs);
      const message = `seed ${seed}: ${difference} points, ${rankMs(a) - rankMs(b)} ms`;
      if (difference !== 0) assert.equal(Math.sign(compareClaims(a, b)), -Math.sign(difference), message);
    }
  }
});

test("any claims are in one order: of three, no circle", () => {
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = new Random(seed);
    const some = () =>
      aClaim(random.pick(["x", "y"]), {
        createdAtMs: random.below(3) * MINUTE,
        bonusPoints: random.below(3),
      });
    const [a, b, c] = [some(), some(), some()];
    assert.equal(Math.sign(compareClaims(a, b)), -Math.sign(compareClaims(b, a)) || 0);
    if (compareClaims(a, b) <= 0 && compareClaims(b, c) <= 0)
      assert.ok(compareClaims(a, c) <= 0, `seed ${seed}`);
  }
});
