import assert from "node:assert/strict";
import { test } from "node:test";
import { curve, slopePerHour } from "./soak-trend.ts";

test("a slope is that of the line, whatever a few points say", () => {
  const line = Array.from({ length: 20 }, (_, nth) => ({ atMs: nth * 60_000, value: 100 + nth }));
  assert.ok(Math.abs(slopePerHour(line) - 60) < 1e-9);
  const off = line.map((point, nth) => (nth === 3 || nth === 17 ? { ...point, value: 10_000 } : point));
  assert.ok(Math.abs(slopePerHour(off) - 60) < 1e-9);
  assert.equal(slopePerHour(line.map((point) => ({ ...point, value: 5 }))), 0);
});

test("a curve goes from the lowest to the highest value", () => {
  assert.equal(curve([0, 7, 3, 7]), "▁█▄█");
  assert.equal(curve([2, 2]), "▁▁");
});
