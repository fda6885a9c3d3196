import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelExpression } from "../../src/claims/claim.ts";
import {
  fit,
  fits,
  mergeRequirements,
  NO_REQUIREMENTS,
  parsePriority,
  requirementsFromAnnotations,
} from "../../src/claims/requirements.ts";
import { aHost, randomHost, randomRequirements, SMALL } from "./generate.ts";
import { Random } from "./random.ts";
import { fitsHost } from "./reference.ts";

test("annotations are read into sorted requirements", () => {
  const { requirements, problems } = requirementsFromAnnotations({
    "beskar7.io/required-tags": " gpu, beskar7.io/nvme ,gpu,",
    "beskar7.io/preferred-tags": "fast",
    "beskar7.io/required-labels": "zone=a, rack=",
    "beskar7.io/preferred-labels": "model=r650",
    "example.com/other": "ignored",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(requirements, {
    ...NO_REQUIREMENTS,
    requiredTags: ["beskar7.io/nvme", "gpu"],
    preferredTags: ["fast"],
    requiredLabels: { rack: "", zone: "a" },
    preferredLabels: { model: "r650" },
  });
});

const malformed: [text: string, problem: RegExp][] = [
  ["zone", /"zone" is not key=value/],
  ["=a", /"" is not a label key/],
  ["-zone=a", /"-zone" is not a label key/],
  ["Bad Prefix/zone=a", /is not a label key/],
  ["zone=a b", /"a b" is not a label value/],
  ["zone=a==b", /"a==b" is not a label value/],
  ["zone=ok,zone=b", /zone is given twice; only "ok" counts/],
  [`${"x".repeat(300)}=a`, /\.\.\." is not a label key/],
];
for (const [text, problem] of malformed) {
  test(`a label written ${text.slice(0, 24)} is reported, and the rest counts`, () => {
    const { requirements, problems } = requirementsFromAnnotations({
      "beskar7.io/required-labels": `${text},rack=7`,
    });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^beskar7\.io\/required-labels: /);
    assert.match(problems[0]!, problem);
    assert.equal(requirements.requiredLabels.rack, "7");
  });
}

test("a tag that can't be a label key is reported, and the rest counts", () => {
  const { requirements, problems } = requirementsFromAnnotations({
    "beskar7.io/required-tags": "gpu,a b,x/y/z",
  });
  assert.deepEqual(requirements.requiredTags, ["gpu"]);
  assert.equal(problems.length, 2);
});

for (const [text, value] of [
  [undefined, 0],
  [" ", 0],
  ["42", 42],
  ["-7", -7],
  ["+5", 5],
  ["-0", 0],
] as const) {
  test(`the priority ${text} is ${value}`, () => {
    assert.deepEqual(parsePriority(text), { value, problem: null });
  });
}
for (const text of ["high", "1.5", "1e3", "0x10", "1000000001", "99999999999999999999"]) {
  test(`the priority ${text} counts as 0 and is reported`, () => {
    const { value, problem } = parsePriority(text);
    assert.equal(value, 0);
    assert.match(problem ?? "", /claims\.beskar7\.io\/priority: ".*" is not an integer from/);
  });
}

test("label keys and values are read without the blanks around them, sorted by key", () => {
  const { requirements, problems } = requirementsFromAnnotations({
    "beskar7.io/required-labels": " rack = 7 , zone=a,model =r650, zone=a, disk = nvme",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.entries(requirements.requiredLabels), [
    ["disk", "nvme"],
    ["model", "r650"],
    ["rack", "7"],
    ["zone", "a"],
  ]);
});

for (const [key, valid] of [
  ["a", true],
  ["GPU_type", true],
  ["a/x", true],
  ["example.com/x", true],
  ["a.b.c.d/x", true],
  ["a-b.c-d/x", true],
  [`${"a".repeat(253)}/x`, true],
  [`${"a".repeat(254)}/x`, false],
  ["/x", false],
  ["a./x", false],
  [".a/x", false],
  ["a-/x", false],
  ["-a/x", false],
  ["a..b/x", false],
  ["a.-b/x", false],
  ["A/x", false],
  ["a_b/x", false],
  ["a/", false],
] as const) {
  test(`${key.slice(0, 16)}${key.length > 16 ? `... (${key.length})` : ""} is ${valid ? "" : "not "}a label key`, () => {
    const { requirements, problems } = requirementsFromAnnotations({ "beskar7.io/required-tags": key });
    assert.deepEqual(requirements.requiredTags, valid ? [key] : []);
    assert.equal(problems.length, valid ? 0 : 1);
  });
}

test("what was written is repeated in a problem, up to 80 characters of it", () => {
  const told = (text: string) =>
    requirementsFromAnnotations({ "beskar7.io/required-tags": text }).problems[0];
  assert.equal(told("a b"), 'beskar7.io/required-tags: "a b" is not a label key; it is ignored');
  assert.match(told(`!${"x".repeat(79)}`)!, /: "!x{79}" is not/);
  assert.match(told(`!${"x".repeat(80)}`)!, /: "!x{79}\.\.\." is not/);
});

for (const limit of ["1000000000", "-1000000000"]) {
  test(`the priority ${limit} is the last that counts`, () => {
    assert.deepEqual(parsePriority(limit), { value: Number(limit), problem: null });
  });
}

test("of two requirements the first says which values are preferred, and of which cluster the machine is", () => {
  const a = {
    ...NO_REQUIREMENTS,
    requiredTags: ["gpu", "nvme"],
    requiredLabels: { zone: "a", rack: "7" },
    preferredLabels: { model: "r650" },
    cluster: "red",
  };
  const b = {
    ...NO_REQUIREMENTS,
    requiredTags: ["fast", "gpu"],
    requiredLabels: { zone: "b", rack: "7", row: "2" },
    preferredLabels: { model: "r640", disk: "nvme" },
    expressions: [{ key: "old", operator: "DoesNotExist" as const, values: [] }],
    minCPUCores: 8,
    cluster: "blue",
  };
  const merged = {
    ...NO_REQUIREMENTS,
    requiredTags: ["fast", "gpu", "nvme"],
    requiredLabels: { zone: "a", rack: "7", row: "2" },
    preferredLabels: { model: "r650", disk: "nvme" },
    expressions: [...b.expressions, { key: "zone", operator: "In", values: ["b"] }],
    minCPUCores: 8,
    cluster: "red",
  };
  assert.deepEqual(mergeRequirements(a, b), merged);
  assert.equal(mergeRequirements(b, NO_REQUIREMENTS).cluster, "blue");
  assert.equal(mergeRequirements(NO_REQUIREMENTS, b).cluster, "blue");
});

test("merged requirements ask for all that each of them asks for", () => {
  const random = new Random(1);
  for (let n = 0; n < 20_000; n++) {
    const host = { ...randomHost(random, SMALL), reservedFor: null };
    const [a, b] = [randomRequirements(random, SMALL), randomRequirements(random, SMALL)];
    assert.equal(fits(mergeRequirements(a, b), host), fits(a, host) && fits(b, host), `case ${n}`);
  }
});

test("a host fits exactly when there is no reason against it", () => {
  const random = new Random(2);
  for (let n = 0; n < 20_000; n++) {
    const [want, host] = [randomRequirements(random, SMALL), randomHost(random, SMALL)];
    const result = fit(want, host);
    assert.equal(result.fits, fitsHost(want, host), `case ${n}`);
    assert.equal(fits(want, host), result.fits, `case ${n}`);
    assert.equal(result.reasons.length === 0, result.fits, `case ${n}`);
  }
});

test("the reasons say what is missing", () => {
  const host = aHost("h1", {
    labels: { zone: "b", old: "" },
    hardware: { cpuCores: 4, memoryGB: null, diskGB: 100 },
    reservedFor: { namespace: "default", name: "red" },
  });
  const want = {
    ...NO_REQUIREMENTS,
    requiredTags: ["gpu"],
    requiredLabels: { zone: "a" },
    expressions: [{ key: "old", operator: "DoesNotExist" as const, values: [] }],
    minCPUCores: 8,
    minMemoryGB: 64,
  };
  assert.deepEqual(fit(want, host), {
    fits: false,
    preferred: 0,
    hardwareKnown: false,
    reasons: [
      "it has no label gpu",
      "its label zone is b, not a",
      "it has the label old",
      "it has 4 CPU cores, less than 8",
      "it is reserved for cluster default/red",
    ],
  });
});

test("each kind of expression and each minimum has its words", () => {
  const host = aHost("h1", { labels: { zone: "b" }, hardware: { cpuCores: 4, memoryGB: 32, diskGB: 100 } });
  const expression = (key: string, operator: LabelExpression["operator"], ...values: string[]) => ({
    key,
    operator,
    values,
  });
  const want = {
    ...NO_REQUIREMENTS,
    requiredLabels: { rack: "7" },
    expressions: [
      expression("gpu", "Exists"),
      expression("zone", "In", "a", "c"),
      expression("row", "In", "1"),
      expression("zone", "NotIn", "b"),
      expression("zone", "AbsentOrIn", "a"),
    ],
    minMemoryGB: 64,
    minDiskGB: 200,
  };
  assert.deepEqual(fit(want, host).reasons, [
    "its label rack is absent, not 7",
    "it has no label gpu",
    "its label zone is b, not one of a, c",
    "its label row is absent, not one of 1",
    "its label zone is b, which is excluded",
    "its label zone keeps it for b",
    "it has 32 GB of memory, less than 64",
    "it has 100 GB of disk, less than 200",
  ]);
  assert.match(
    fit({ ...want, requiredLabels: { empty: "x" } }, aHost("h2", { labels: { empty: "" } })).reasons[0]!,
    /is "", not x/,
  );
});

test("a host that nobody inspected may fit, and is told from one that is known to", () => {
  const want = { ...NO_REQUIREMENTS, minMemoryGB: 64 };
  const known = aHost("h1", { hardware: { cpuCores: null, memoryGB: 64, diskGB: null } });
  assert.deepEqual([fit(want, aHost("h2")).fits, fit(want, aHost("h2")).hardwareKnown], [true, false]);
  assert.deepEqual([fit(want, known).fits, fit(want, known).hardwareKnown], [true, true]);
});
