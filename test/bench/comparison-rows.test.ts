import assert from "node:assert/strict";
import { test } from "node:test";
import { comparedRows } from "./comparison-rows.ts";

test("times of both coordinators are followed by their ratio, counts are not", () => {
  const rows = comparedRows("some hosts", {
    standard: [
      { figure: "all bound", value: 30_000, unit: "ms" },
      { figure: "inverted pairs", value: 455, unit: "" },
    ],
    "leader election": [
      { figure: "all bound", value: 600, unit: "ms" },
      { figure: "inverted pairs", value: 0, unit: "" },
    ],
  });
  assert.deepEqual(
    rows.map(({ figure, value, unit }) => `${figure} ${value} ${unit}`.trim()),
    [
      "standard, some hosts: all bound 30000 ms",
      "standard, some hosts: inverted pairs 455",
      "leader election, some hosts: all bound 600 ms",
      "leader election, some hosts: inverted pairs 0",
      "standard / leader election, some hosts: all bound 50 x",
    ],
  );
});
