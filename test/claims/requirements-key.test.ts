import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelExpression, Requirements } from "../../src/claims/claim.ts";
import { requirementsKey } from "../../src/claims/pool.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";

const asking = (some: Partial<Requirements>): Requirements => ({ ...NO_REQUIREMENTS, ...some });
const expression = (operator: LabelExpression["operator"], ...values: string[]) => ({
  expressions: [{ key: "zone", operator, values }],
});

test("a key says what is asked and preferred, each thing under a letter of its own, and is silent about the rest", () => {
  for (const [asked, key] of [
    [{}, ""],
    [{ requiredTags: ["fast", "gpu"] }, 't["fast","gpu"]'],
    [{ preferredTags: ["fast", "gpu"] }, 'T["fast","gpu"]'],
    [{ requiredLabels: { zone: "a" } }, 'l[["zone","a"]]'],
    [{ preferredLabels: { zone: "a" } }, 'L[["zone","a"]]'],
    [expression("In", "a", "b"), 'e[["zone","In","a","b"]]'],
    [{ minCPUCores: 4 }, "c4"],
    [{ minMemoryGB: 4 }, "m4"],
    [{ minDiskGB: 4 }, "d4"],
    [{ cluster: "red" }, 'r"red"'],
    [{ requiredTags: ["gpu"], minCPUCores: 4, cluster: "red" }, 't["gpu"] c4 r"red"'],
  ] satisfies [Partial<Requirements>, string][]) {
    assert.equal(requirementsKey(asking(asked)), key);
  }
});

test("requirements that differ have different keys", () => {
  const some: Partial<Requirements>[] = [
    ...["gpu", 'g"pu', "gpu,"].flatMap((tag) => [{ requiredTags: [tag] }, { preferredTags: [tag] }]),
    { requiredTags: ["gpu", ""] },
    { requiredTags: ["gpu"], preferredTags: ["gpu"] },
    { requiredLabels: { gpu: "" } },
    { preferredLabels: { gpu: "" } },
    { requiredLabels: { gpu: "", zone: "a" } },
    { requiredLabels: { gpu: "" }, preferredLabels: { zone: "a" } },
    ...(["In", "NotIn", "Exists"] as const).flatMap((operator) => [
      expression(operator),
      expression(operator, "a"),
      expression(operator, "a", "b"),
      expression(operator, "a,b"),
    ]),
    ...[1, 11].flatMap((n) => [{ minCPUCores: n }, { minMemoryGB: n }, { minDiskGB: n }]),
    { minCPUCores: 1, minMemoryGB: 1 },
    { cluster: "gpu" },
  ];
  const all = some.map(asking);
  assert.equal(new Set(all.map(requirementsKey)).size, all.length);
});

test("labels have the same key in whatever order they are written", () => {
  const [forth, back] = [
    { a: "1", b: "2", c: "3" },
    { c: "3", b: "2", a: "1" },
  ];
  for (const field of ["requiredLabels", "preferredLabels"]) {
    assert.equal(requirementsKey(asking({ [field]: forth })), requirementsKey(asking({ [field]: back })));
  }
});
