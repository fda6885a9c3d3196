import type { Json } from "../../controlplane/index.ts";
import { definition } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const GROUP = "schema.example.com";

const PROPERTIES: Json = {
  text: { type: "string", minLength: 2, maxLength: 4 },
  pattern: { type: "string", pattern: "^[a-z]+$" },
  choice: { type: "string", enum: ["a", "b"] },
  when: { type: "string", format: "date-time" },
  int: { type: "integer", minimum: 1, maximum: 10 },
  below: { type: "number", maximum: 10, exclusiveMaximum: true },
  fives: { type: "integer", multipleOf: 5 },
  int32: { type: "integer", format: "int32" },
  flag: { type: "boolean" },
  list: { type: "array", minItems: 1, maxItems: 3, items: { type: "integer", minimum: 0 } },
  set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
  map: {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["key"],
    items: {
      type: "object",
      required: ["key"],
      properties: { key: { type: "string" }, value: { type: "string" } },
    },
  },
  record: { type: "object", additionalProperties: { type: "integer" }, maxProperties: 2 },
  needy: {
    type: "object",
    required: ["x", "y"],
    properties: { x: { type: "string" }, y: { type: "string" } },
  },
  either: { "x-kubernetes-int-or-string": true },
  nullable: { type: "string", nullable: true },
  open: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    properties: { known: { type: "string" } },
  },
  defaults: {
    type: "object",
    default: {},
    properties: {
      a: { type: "string", default: "A" },
      deep: { type: "object", properties: { b: { type: "boolean", default: true } } },
    },
  },
  combined: {
    type: "object",
    properties: { p: { type: "string" }, q: { type: "string" } },
    oneOf: [{ required: ["p"] }, { required: ["q"] }],
  },
  above: { type: "number", minimum: 1, exclusiveMinimum: true },
  few: { type: "object", minProperties: 2, additionalProperties: { type: "string" } },
  all: { type: "integer", allOf: [{ minimum: 2 }, { maximum: 4 }] },
  some: { type: "integer", anyOf: [{ maximum: 2 }, { minimum: 4 }] },
  not: { type: "integer", not: { minimum: 3 } },
  reasoned: {
    type: "object",
    properties: {
      a: { type: "string" },
      b: { type: "integer" },
      list: { type: "array", maxItems: 4, items: { type: "integer" } },
    },
    "x-kubernetes-validations": [
      { rule: "has(self.a)", message: "a is needed", reason: "FieldValueRequired" },
      {
        rule: "!has(self.a) || self.a != 'taken'",
        message: "a is taken",
        reason: "FieldValueDuplicate",
        fieldPath: ".a",
      },
      { rule: "!has(self.b) || self.b < 10" },
      { rule: "!has(self.b) || self.b < 9", messageExpression: "''" },
      { rule: "!has(self.list) || self.list[2] > 0", message: "the third is positive" },
    ],
  },
  keyed: {
    type: "array",
    maxItems: 4,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["key"],
    items: {
      type: "object",
      required: ["key"],
      properties: { key: { type: "string", maxLength: 8 }, value: { type: "integer" } },
      "x-kubernetes-validations": [{ rule: "self.value >= oldSelf.value", message: "it only grows" }],
    },
  },
  ruled: {
    type: "object",
    properties: { low: { type: "integer" }, high: { type: "integer" }, fixed: { type: "string" } },
    "x-kubernetes-validations": [
      {
        rule: "!has(self.low) || !has(self.high) || self.low <= self.high",
        message: "low must not be above high",
      },
      {
        rule: "!has(self.low) || self.low >= 0",
        messageExpression: "'low is ' + (self.low < -5 ? 'far ' : '') + 'too low'",
        reason: "FieldValueForbidden",
        fieldPath: ".low",
      },
      { rule: "!has(oldSelf.fixed) || self.fixed == oldSelf.fixed", message: "fixed is fixed" },
    ],
  },
};

/** Established before the suite begins. */
export const SAMPLE_DEFINITION: Json = definition(
  "samples",
  "Sample",
  {
    schema: {
      openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: PROPERTIES } } },
    },
  },
  { group: GROUP },
);

const samples = (s: Scenario, name = "") =>
  `/apis/${GROUP}/v1/namespaces/${s.namespace}/samples${name && `/${name}`}`;
const sample = (spec: Json) => ({
  apiVersion: `${GROUP}/v1`,
  kind: "Sample",
  metadata: { name: "a" },
  spec,
});

const creates = (name: string, ...specs: Json[]): ScenarioCase => ({
  name,
  async run(s) {
    for (const spec of specs) await s.send("POST", `${samples(s)}?dryRun=All`, { body: sample(spec) });
  },
});

export const schemas: ScenarioCase[] = [
  creates(
    "types are checked",
    { text: 1 },
    { int: "1" },
    { int: 1.5 },
    { flag: "true" },
    { list: {} },
    { needy: [] },
    { text: null },
  ),
  creates(
    "bounds are checked",
    { int: 0 },
    { int: 11 },
    { below: 10 },
    { fives: 7 },
    { int32: 3_000_000_000 },
  ),
  creates(
    "strings are checked",
    { text: "x" },
    { text: "xxxxx" },
    { pattern: "A1" },
    { choice: "c" },
    { when: "yesterday" },
  ),
  creates(
    "lists are checked",
    { list: [] },
    { list: [1, 2, 3, 4] },
    { list: [1, "x", -1] },
    { set: ["x", "x"] },
  ),
  creates("keys of lists are checked", { map: [{ key: "k" }, { key: "k" }] }, { map: [{ value: "v" }] }),
  creates(
    "objects are checked",
    { needy: { x: "x" } },
    { needy: {} },
    { record: { a: "x" } },
    { record: { a: 1, b: 2, c: 3 } },
  ),
  creates("several mistakes are told at once", { text: 1, int: 0, choice: "c", needy: {} }),
  creates(
    "combinations are checked",
    { combined: {} },
    { combined: { p: "1", q: "2" } },
    { combined: { p: "1" } },
  ),
  creates(
    "bounds that are excluded, and counts of fields, are checked",
    { above: 1 },
    { above: 1.5 },
    { few: { a: "x" } },
    { few: { a: "x", b: "y" } },
  ),
  creates(
    "all, some and none of several schemas are checked",
    { all: 1 },
    { all: 5 },
    { all: 3 },
    { some: 3 },
    { some: 5 },
    { not: 3 },
    { not: 2 },
  ),
  creates(
    "rules have reasons, fields and words of their own, or the rule itself",
    { reasoned: {} },
    { reasoned: { a: "taken" } },
    { reasoned: { a: "x", b: 10 } },
    { reasoned: { a: "x", b: 9 } },
    { reasoned: { a: "x", list: [1] } },
    { reasoned: { a: "x", list: [1, 2, 0] } },
  ),
  creates("int-or-string takes both", { either: 1 }, { either: "50%" }, { either: true }),
  creates("null is kept where it may be, and dropped where a default is", {
    nullable: null,
    defaults: { a: null },
  }),
  creates("defaults are set, deep ones only where their parent is", {}, { defaults: { deep: {} } }),
  creates("unknown fields are dropped but where they may be", {
    none: 1,
    open: { known: "k", other: { x: 1 } },
  }),
  creates(
    "rules are checked",
    { ruled: { low: 3, high: 2 } },
    { ruled: { low: -1 } },
    { ruled: { low: 1, high: 2 } },
  ),
  {
    name: "a rule about the old value is checked on updates",
    async run(s) {
      const made = await s.quietly("POST", samples(s), { body: sample({ ruled: { fixed: "x" } }) });
      await s.send("PUT", samples(s, "a"), { body: { ...made, spec: { ruled: { fixed: "y" } } } });
    },
  },
  {
    name: "a rule about the old item is checked for the item of the same key",
    async run(s) {
      const spec = (...keyed: Json[]) => ({ keyed });
      const made = await s.quietly("POST", samples(s), {
        body: sample(spec({ key: "a", value: 3 }, { key: "b", value: 1 })),
      });
      await s.send("PUT", samples(s, "a"), {
        body: { ...made, spec: spec({ key: "b", value: 2 }, { key: "c", value: 0 }, { key: "a", value: 2 }) },
      });
    },
  },
];
