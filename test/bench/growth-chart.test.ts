import assert from "node:assert/strict";
import { test } from "node:test";
import { growthChart } from "./growth-chart.ts";

test("a chart has a line of medians and one of the worst, within its panel, and names both so", () => {
  const points = [
    { x: 5, p50Ms: 50, worstMs: 90 },
    { x: 120, p50Ms: 1_950, worstMs: 3_370 },
  ];
  const chart = growthChart([{ name: "rate", points }]);
  const lines = [...chart.matchAll(/<polyline points="([^"]+)"/g)].map(([, pairs = ""]) =>
    pairs.split(" ").map((pair) => Number(pair.split(",")[1])),
  );
  assert.equal(lines.length, 2);
  const [median = [], worst = []] = lines;
  for (const [i, y] of worst.entries()) assert.ok(y < median[i]!, "the worst is above the median");
  assert.ok(Math.min(...worst) > 20, "below the title");
  const legend = [...chart.matchAll(/fill="#18181b">([a-z0-9]+)</g)].map(([, name]) => name);
  assert.deepEqual(legend, ["rate", "p50", "worst"]);
});
