import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareResourceVersions, includes, isOlder } from "../../src/kube/resource-version.ts";

describe("resourceVersions", () => {
  for (const [a, b, want] of [
    ["9", "10", -1],
    ["10", "9", 1],
    ["10", "10", 0],
    ["18446744073709551616", "18446744073709551617", -1],
    ["99999999999999999999999999", "100000000000000000000000000", -1],
  ] as const) {
    it(`${a} and ${b} compare as integers`, () => {
      assert.equal(Math.sign(compareResourceVersions(a, b)!), want);
      assert.equal(isOlder(a, b), want < 0);
      assert.equal(includes(a, b), want >= 0);
    });
  }

  for (const other of ["", "0", "007", "1e3", "-5", "1 ", "abc"]) {
    it(`${JSON.stringify(other)} has no order, only equality`, () => {
      assert.equal(compareResourceVersions(other, "5"), undefined);
      assert.equal(compareResourceVersions("5", other), undefined);
      assert.equal(isOlder(other, "5"), false);
      assert.equal(includes("5", other), false);
      assert.equal(includes(other, other), true);
    });
  }
});
