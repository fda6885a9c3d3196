import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GROUPS } from "./cases/index.ts";
import { DIFFERENCES } from "./differences.ts";

const names = Object.values(GROUPS).flatMap((cases) => cases.map(({ name }) => name));

test("every scenario has a name of its own", () => {
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

const docs = readFileSync(join(import.meta.dirname, "../../docs/conformance.md"), "utf8");

test("docs/conformance.md knows how many scenarios there are", () => {
  assert.equal(/(\d+) scenarios/.exec(docs)?.[1], String(names.length));
});

test("every difference is a scenario, and is explained in docs/conformance.md", () => {
  for (const [name, reason] of Object.entries(DIFFERENCES)) {
    assert.ok(names.includes(name), `no scenario "${name}"`);
    assert.ok(docs.includes(name) && docs.includes(reason), `"${name}" is not explained`);
  }
});

test("every golden file belongs to a group, and has its scenarios and no others", () => {
  const folder = join(import.meta.dirname, "golden");
  assert.deepEqual(
    readdirSync(folder).sort(),
    Object.keys(GROUPS)
      .map((group) => `${group}.gen.json`)
      .sort(),
  );
  for (const [group, cases] of Object.entries(GROUPS)) {
    const recorded = JSON.parse(readFileSync(join(folder, `${group}.gen.json`), "utf8"));
    assert.deepEqual(
      Object.keys(recorded),
      cases.map(({ name }) => name),
      group,
    );
  }
});
