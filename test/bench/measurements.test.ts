import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BENCHES } from "./benches.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/measurements.md"), "utf8");
const commands = (text: string) =>
  [...text.matchAll(/`(?:\w+=\S+ )*npm run bench -- ([\w-]+)`/g)].map(([, name]) => name);

test("docs/measurements.md names the command of every bench, and no other", () => {
  const known = ["all", ...BENCHES.map(({ name }) => name)];
  assert.deepEqual([...new Set(commands(page))].sort(), known.sort());
});

test("every table of docs/measurements.md stands in a section that names the command of its figures", () => {
  const [, ...sections] = page.split(/^## /m);
  const without = sections.filter((section) => section.includes("\n|") && commands(section).length === 0);
  assert.deepEqual(
    without.map((section) => section.split("\n")[0]),
    [],
  );
});
