import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { formatDurationMs, parseDurationMs } from "../../src/config/duration.ts";

const TAKEN: [text: string, ms: number][] = [
  ["15s", 15_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["1.s", 1_000],
  ["0", 0],
  ["-2s", -2_000],
  ["+2s", 2_000],
  ["250us", 0.25],
  ["250µs", 0.25],
  ["1h0m0s", 3_600_000],
];
for (const [text, ms] of TAKEN) it(`${text} is ${ms} ms`, () => assert.equal(parseDurationMs(text), ms));

for (const text of ["", "15", "s", "1d", "1 s", "--1s", "1s-", "1,5s", ".s", "1m30", "Infinity", "1e3s"]) {
  it(`${JSON.stringify(text)} is no duration`, () => assert.equal(parseDurationMs(text), undefined));
}

it("what is formatted is parsed back to the same number of milliseconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ms) =>
      assert.equal(parseDurationMs(formatDurationMs(ms)), ms),
    ),
  );
  assert.equal(formatDurationMs(90_000), "1m30s");
  assert.equal(formatDurationMs(3_600_000), "1h");
});
