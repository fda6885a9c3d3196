// Runs the tests: `npm test`, `npm test -- test/claims`, `npm test -- lease --test-name-pattern='takes over'`.
// A filter is a part of a test file's path. With --coverage a run ends with what it left uncovered, and a run of
// everything fails when that is too much. The real control plane is prepared first, since several test files that
// each wanted to build it would time out waiting.
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { buildElector, requireControlPlane } from "../test/controlplane/index.ts";
import { buildEvaluator } from "../test/promql/evaluate.ts";
import { describeCoverage, measureCoverage } from "./coverage.ts";

/** Of the whole product, in percent; .ci/run enforces it. */
const LEAST_COVERAGE = { lines: 95, branches: 90 };
/** One file may take this long, whatever the machine is doing; a test that hangs must not hang the whole run. */
const FILE_TIMEOUT_MS = 300_000;

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    "test-name-pattern": { type: "string", multiple: true },
    "test-concurrency": { type: "string" },
    coverage: { type: "boolean", default: false },
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
  if (await requireControlPlane()) {
    await buildElector();
    await buildEvaluator();
  }
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

// Inherited by the test files and by whatever they start.
if (values.coverage) process.env.NODE_V8_COVERAGE = mkdtempSync(join(tmpdir(), "coverage-"));

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
/** Of what was not tested, and why. */
const skipped: string[] = [];
results.on("test:pass", ({ name, skip, details }) => {
  if (skip === undefined || skip === false || details.type === "suite") return;
  skipped.push(`${name}${typeof skip === "string" ? ` (${skip})` : ""}`);
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
// At the end once more, since what was said before is far up the screen by now.
if (skipped.length > 0) process.stderr.write(`\n!!! SKIPPED ${skipped.length}:\n  ${skipped.join("\n  ")}\n`);
// The spec reporter puts failures under its totals, where they push them off the screen.
if (!success) process.stdout.write(`\n${totals.map(([name, count]) => `ℹ ${name} ${count}\n`).join("")}`);
if (values.coverage) success = (await reportCoverage(process.env.NODE_V8_COVERAGE!)) && success;
process.exitCode ??= success ? 0 : 1;

/** Gives whether it is enough; of some of the tests anything is. */
async function reportCoverage(reports: string): Promise<boolean> {
  const pages = join(root, "coverage");
  const coverage = await measureCoverage(reports, root, pages);
  rmSync(reports, { recursive: true, force: true });
  process.stdout.write(`\n${describeCoverage(coverage, LEAST_COVERAGE)}  ${join(pages, "index.html")}\n`);
  const { lines, branches } = coverage;
  const isPart = filters.length > 0 || values["test-name-pattern"] !== undefined;
  return isPart || (lines >= LEAST_COVERAGE.lines && branches >= LEAST_COVERAGE.branches);
}
