import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromFieldsV1, toFieldsV1 } from "../../src/sandbox/field-set.ts";
import { evaluateJsonPath, parseJsonPath } from "../../src/sandbox/json-path.ts";
import { jsonSyntaxError } from "../../src/sandbox/json-syntax.ts";
import { ageSince } from "../../src/sandbox/resources/age.ts";

describe("JSON syntax errors", () => {
  // Each as a real API server words it.
  const cases: Record<string, string> = {
    "{": "unexpected end of JSON input",
    "{bad": "invalid character 'b' looking for beginning of object key string",
    garbage: "invalid character 'g' looking for beginning of value",
    '{"a" 1}': "invalid character '1' after object key",
    '{"a":1 2}': "invalid character '2' after object key:value pair",
    "[1 2]": "invalid character '2' after array element",
    "{}x": "invalid character 'x' after top-level value",
    trux: "invalid character 'x' in literal true (expecting 'e')",
    '"\\x"': "invalid character 'x' in string escape code",
    "-x": "invalid character 'x' in numeric literal",
  };
  for (const [text, said] of Object.entries(cases)) {
    it(`${text}: ${said}`, () => assert.equal(jsonSyntaxError(text), said));
  }

  it("are found exactly where JSON.parse finds any", () => {
    const mutated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", "{", "}", '"', ",", "x", "\\", "0"));
    fc.assert(
      fc.property(mutated, ([json, at, piece]) => {
        const index = at % (json.length + 1);
        const text = json.slice(0, index) + piece + json.slice(index + 1);
        let good = true;
        try {
          JSON.parse(text);
        } catch {
          good = false;
        }
        assert.equal(jsonSyntaxError(text) === undefined, good, text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("JSONPath of printer columns", () => {
  const object = {
    metadata: { labels: { "a.b/c": "x" } },
    status: {
      conditions: [
        { type: "Ready", status: "True" },
        { type: "Other", status: "False" },
      ],
      list: [1, 2],
    },
  };
  const cases: Record<string, unknown[]> = {
    ".status.list": [[1, 2]],
    ".status.list[0]": [1],
    ".status.list[-1]": [2],
    ".status.list[*]": [1, 2],
    '.status.conditions[?(@.type=="Ready")].status': ["True"],
    ".metadata.labels.a\\.b/c": ["x"],
    ".metadata.labels['a.b/c']": ["x"],
    ".nothing.here": [],
  };
  for (const [path, found] of Object.entries(cases)) {
    it(path, () => assert.deepEqual(evaluateJsonPath(parseJsonPath(path), object), found));
  }

  it("refuses what it does not speak", () => {
    assert.throws(() => parseJsonPath(".a[?(@.b>1)]"));
  });
});

describe("ages", () => {
  const second = 1000;
  const hour = 3600 * second;
  const cases: [number, string][] = [
    [0, "0s"],
    [119 * second, "119s"],
    [125 * second, "2m5s"],
    [20 * 60 * second, "20m"],
    [3 * hour, "3h"],
    [5 * hour + 60 * second, "5h1m"],
    [47 * hour, "47h"],
    [50 * hour, "2d2h"],
    [24 * hour * 100, "100d"],
    [24 * hour * 365 * 3, "3y"],
    [-10 * second, "<invalid>"],
  ];
  for (const [ms, shown] of cases) {
    it(`${ms / second} s are shown as ${shown}`, () => {
      const nowMs = Date.UTC(2026, 0, 1);
      assert.equal(ageSince(new Date(nowMs - ms).toISOString(), nowMs), shown);
    });
  }
});

describe("field sets", () => {
  it("survive their FieldsV1 form", () => {
    const segment = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"');
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("\u0000"));
    fc.assert(
      fc.property(fc.array(path), (paths) => {
        assert.deepEqual(fromFieldsV1(toFieldsV1(new Set(paths))), new Set(paths));
      }),
    );
  });
});
