import assert from "node:assert/strict";
import { test } from "node:test";
import { readCounts } from "./suites.ts";

test("what a run of tests ended with is read from its closing lines, and nothing from a run that broke", () => {
  const closing = "ℹ tests 7\nℹ suites 1\nℹ pass 4\nℹ fail 2\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";
  assert.deepEqual(readCounts(`all of them pass 9\n${closing}`), { pass: 4, fail: 2, skipped: 1 });
  assert.deepEqual(readCounts("it did not start"), {
    pass: Number.NaN,
    fail: Number.NaN,
    skipped: Number.NaN,
  });
});
