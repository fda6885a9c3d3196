import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyJsonPatch, JsonPatchError } from "../../src/sandbox/patch/json-patch.ts";
import { mergePatch } from "../../src/sandbox/patch/merge-patch.ts";
import { strategicMergePatch } from "../../src/sandbox/patch/strategic-merge-patch.ts";

type Operation = { op: string; path: string; from?: string; value?: unknown };

describe("JSON patches", () => {
  const applied: Record<string, [document: unknown, operation: Operation, result: unknown]> = {
    "add sets a member": [{ a: 1 }, { op: "add", path: "/b", value: 2 }, { a: 1, b: 2 }],
    "add inserts into a list": [[1, 3], { op: "add", path: "/1", value: 2 }, [1, 2, 3]],
    "add appends at -": [[1], { op: "add", path: "/-", value: 2 }, [1, 2]],
    "add at the root replaces all": [{ a: 1 }, { op: "add", path: "", value: [] }, []],
    "~1 is a slash and ~0 a tilde": [{}, { op: "add", path: "/a~1b~01", value: 1 }, { "a/b~1": 1 }],
    "remove takes a member away": [{ a: 1, b: 2 }, { op: "remove", path: "/a" }, { b: 2 }],
    "remove takes an item away": [[1, 2], { op: "remove", path: "/0" }, [2]],
    "replace sets a member that was not there, as the API server's library does": [
      {},
      { op: "replace", path: "/a", value: 1 },
      { a: 1 },
    ],
    "move moves": [{ a: 1 }, { op: "move", from: "/a", path: "/b" }, { b: 1 }],
    "copy copies": [{ a: [1] }, { op: "copy", from: "/a", path: "/b" }, { a: [1], b: [1] }],
    "test of equal values passes": [
      { a: { b: [1] } },
      { op: "test", path: "/a", value: { b: [1] } },
      { a: { b: [1] } },
    ],
    "an index may have leading zeros": [[1, 2], { op: "remove", path: "/01" }, [1]],
    "an index below zero counts from the end": [[1, 2], { op: "remove", path: "/-2" }, [2]],
    "an addition at -1 is at the end": [[1, 2], { op: "add", path: "/-1", value: 3 }, [1, 2, 3]],
    "__proto__ is a key like any other": [
      {},
      { op: "add", path: "/__proto__", value: 1 },
      JSON.parse('{"__proto__":1}'),
    ],
  };
  for (const [name, [document, operation, result]] of Object.entries(applied)) {
    it(name, () => assert.deepEqual(applyJsonPatch(document, [operation]), result));
  }

  const refused: Record<string, [document: unknown, operation: Operation]> = {
    "a test of other values fails": [{ a: 1 }, { op: "test", path: "/a", value: 2 }],
    "a parent must exist": [{}, { op: "add", path: "/a/b", value: 1 }],
    "what is removed must exist": [{}, { op: "remove", path: "/a" }],
    "an index must be inside the list": [[], { op: "add", path: "/1", value: 1 }],
    "an index is decimal": [[1, 2], { op: "remove", path: "/0x1" }],
    "an index from the end must be inside the list": [[1, 2], { op: "remove", path: "/-3" }],
    "an operation must be known": [{}, { op: "rename", path: "/a" }],
    "a path begins with a slash": [{}, { op: "add", path: "a", value: 1 }],
  };
  for (const [name, [document, operation]] of Object.entries(refused)) {
    it(name, () => assert.throws(() => applyJsonPatch(document, [operation]), JsonPatchError));
  }
});

describe("merge patches", () => {
  it("merge objects, replace lists and remove by null", () => {
    const target = { a: { b: 1, c: 2 }, list: [1, 2], gone: true };
    const patch = { a: { b: 3, d: { e: null } }, list: [9], gone: null };
    assert.deepEqual(mergePatch(target, patch), { a: { b: 3, c: 2, d: {} }, list: [9] });
    assert.deepEqual(target, { a: { b: 1, c: 2 }, list: [1, 2], gone: true });
  });
});

describe("strategic merge patches", () => {
  const containers = [
    { name: "a", image: "1" },
    { name: "b", image: "2" },
  ];
  const cases: Record<string, [target: object, patch: object, result: object]> = {
    "items are merged by their key": [
      { containers },
      { containers: [{ name: "b", image: "3" }] },
      {
        containers: [
          { name: "a", image: "1" },
          { name: "b", image: "3" },
        ],
      },
    ],
    "an item can be deleted by its key": [
      { containers },
      { containers: [{ name: "a", $patch: "delete" }] },
      { containers: [{ name: "b", image: "2" }] },
    ],
    "a list can be replaced": [
      { containers },
      { containers: [{ $patch: "replace" }, { name: "c" }] },
      { containers: [{ name: "c" }] },
    ],
    "an order can be told": [
      { containers },
      {
        "$setElementOrder/containers": [{ name: "c" }, { name: "b" }, { name: "a" }],
        containers: [{ name: "c" }],
      },
      { containers: [{ name: "c" }, { name: "b", image: "2" }, { name: "a", image: "1" }] },
    ],
    "plain values can be taken out of a set": [
      { finalizers: ["x", "y"] },
      { "$deleteFromPrimitiveList/finalizers": ["x"], finalizers: ["z"] },
      { finalizers: ["y", "z"] },
    ],
    "only the keys that are retained stay": [
      { strategy: { type: "RollingUpdate", rollingUpdate: {} } },
      { strategy: { $retainKeys: ["type"], type: "Recreate" } },
      { strategy: { type: "Recreate" } },
    ],
    "a map can be replaced": [{ m: { a: 1 } }, { m: { $patch: "replace", b: 2 } }, { m: { b: 2 } }],
  };
  for (const [name, [target, patch, result]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(strategicMergePatch(target, patch), result));
  }
});
