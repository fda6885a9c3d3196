import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Requirements } from "../../src/claims/claim.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { needsInWords } from "../../src/queue/needs.ts";

const cases: [words: string, requirements: Partial<Requirements>][] = [
  ["any host", {}],
  ["any host; prefers nvme, zone=a", { preferredTags: ["nvme"], preferredLabels: { zone: "a" } }],
  [
    "gpu, rack=r1, 8 or more CPU cores, 64 or more GB of memory, 500 or more GB of disk",
    {
      requiredTags: ["gpu"],
      requiredLabels: { rack: "r1" },
      minCPUCores: 8,
      minMemoryGB: 64,
      minDiskGB: 500,
    },
  ],
  [
    "ssd, no slow, zone in (a, b), rack not in (r9)",
    {
      expressions: [
        { key: "ssd", operator: "Exists", values: [] },
        { key: "slow", operator: "DoesNotExist", values: [] },
        { key: "zone", operator: "In", values: ["a", "b"] },
        { key: "rack", operator: "NotIn", values: ["r9"] },
      ],
    },
  ],
  ["no host kept for others", { expressions: [{ key: "kept", operator: "AbsentOrIn", values: [] }] }],
  [
    "ssd, no host kept for others; prefers kept in (a, b), nvme",
    {
      requiredTags: ["ssd"],
      preferredTags: ["nvme"],
      expressions: [{ key: "kept", operator: "AbsentOrIn", values: ["a", "b"] }],
    },
  ],
];

describe("what a claim asks, in words", () => {
  for (const [words, requirements] of cases) {
    it(words, () => assert.equal(needsInWords({ ...NO_REQUIREMENTS, ...requirements }), words));
  }
});
