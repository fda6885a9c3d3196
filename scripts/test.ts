// Runs the tests: `npm test`, `npm test -- test/claims`, `npm test -- lease --test-name-pattern='takes over'`.
// A filter is a part of a test file's path. The real control plane is prepared first, since several test files that
// each wanted to build it would time out waiting.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { buildElector, requireControlPlane } from "../test/controlplane/index.ts";

/** One file may take this long, whatever the machine is doing; a test that hangs must not hang the whole run. */
const FILE_TIMEOUT_MS = 300_000;

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    "test-name-pattern": { type: "string", multiple: true },
    "test-concurrency": { type: "string" },
  },
});

const root = join(import.meta.dirname, "..");
const files = globSync("test/**/*.test.ts", { cwd: root })
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
if (files.length === 0) {
  process.stderr.write(`No test file under test/ matches ${filters.join(" or ")}\n`);
  process.exit(1);
}

try {
  if (await requireControlPlane()) await buildElector();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    process.exitCode = 130;
    interruption.abort();
  });
}

/** Totals under the names of the spec reporter's closing lines. */
let totals: [name: string, count: number][] = [];
let success = false;
let failed = 0;
const results = run({
  cwd: root,
  files: files.map((file) => join(root, file)),
  // Files that wait for servers leave a core idle; two at a time is right even for one core.
  concurrency: Number(values["test-concurrency"] ?? Math.max(2, availableParallelism())),
  timeout: FILE_TIMEOUT_MS,
  signal: interruption.signal,
  ...(values["test-name-pattern"] && { testNamePatterns: values["test-name-pattern"] }),
});
results.on("test:fail", ({ details }) => {
  // As the spec reporter counts: suites and files fail because of a test in them, which is counted already.
  if (details.type !== "suite") failed += 1;
});
results.on("test:summary", (summary) => {
  // One comes per file and, without a file, one for all.
  if (summary.file !== undefined) return;
  const { counts } = summary;
  success = summary.success;
  totals = [
    ["tests", counts.tests],
    ["suites", counts.suites],
    ["pass", counts.passed],
    ["fail", failed],
    ["cancelled", counts.cancelled],
    ["skipped", counts.skipped],
    ["todo", counts.todo],
    ["duration_ms", summary.duration_ms],
  ];
});

for await (const text of results.compose(new spec())) process.stdout.write(text);
// The spec reporter puts failures under its totals, where they push them off the screen.
if (!success) process.stdout.write(`\n${totals.map(([name, count]) => `ℹ ${name} ${count}\n`).join("")}`);
process.exitCode ??= success ? 0 : 1;
