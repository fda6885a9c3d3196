import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Coverage, describeCoverage, measureCoverage } from "../../scripts/coverage.ts";

/** A product in small, each line's end telling how it is run below. */
const SOURCES = {
  "src/sign.ts": [
    "/** Types stand in the way of what V8 counts. */",
    "interface Options { readonly zero: string; }",
    "export function sign(n: number, { zero }: Options): string {",
    '  if (n > 0) return "+"; // by one process',
    '  if (n < 0) return "-"; // by another',
    "  return zero; // by none but one with a planted mistake",
    "}",
  ],
  "src/run.ts": [
    'import { sign } from "./sign.ts";',
    'if (process.argv[3] !== undefined) await import(process.argv[3]); sign(Number(process.argv[2]), { zero: "0" });',
  ],
  "webhooks/never.ts": ["export const never = (n: number) => n > 0 ? 1 : 2;", "export const nor = 1;"],
  "certs/shape.ts": ["export interface Shape { readonly name: string; }"],
  "src/assets.gen.ts": ["export const data = 1;"],
  "src/ops/status-page/page.js": [
    "export const shown = 1;",
    "export function hidden() {",
    "  return 2;",
    "}",
  ],
  "src/ops/status-page/other.js": ["export const other = 1;"],
  "test/simulation/plant.ts": ["export {};"],
};

describe("coverage", () => {
  let root: string;
  let coverage: Coverage;

  before(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "covered-")));
    for (const [path, lines] of Object.entries(SOURCES)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), lines.join("\n"));
    }
    const reports = join(root, "reports");
    const env = { ...process.env, NODE_V8_COVERAGE: reports };
    for (const args of [["1"], ["-1"], ["0", "../test/simulation/plant.ts"]]) {
      execFileSync(process.execPath, [join(root, "src/run.ts"), ...args], { env, stdio: "pipe" });
    }
    writeFileSync(join(reports, "coverage-killed.json"), '{"result":[{"url"');
    const unseen = await measureCoverage(reports, root, join(root, "pages"));
    assert.ok(!unseen.files.some(({ path }) => path.endsWith(".js")), "no browser was there");
    const page = join(root, "src/ops/status-page/page.js");
    execFileSync(process.execPath, ["--input-type=module", "--eval", `import ${JSON.stringify(page)}`], {
      env,
      stdio: "pipe",
    });
    coverage = await measureCoverage(reports, root, join(root, "pages"));
  });

  after(() => rmSync(root, { recursive: true }));

  it("counts the page's scripts as soon as something has run one of them", () => {
    assert.deepEqual(left("page.js"), [1, 0]);
    assert.deepEqual(left("other.js"), [1, 0]);
  });

  const left = (path: string) => {
    const file = coverage.files.find((each) => each.path.endsWith(path));
    return file && [file.uncoveredLines, file.uncoveredBranches];
  };

  it("is what all processes together ran, but for those with a planted mistake", () => {
    // The last line, and the way to it from the second `if`.
    assert.deepEqual(left("src/sign.ts"), [1, 1]);
  });

  it("counts a file that no process loaded as not run", () => {
    assert.deepEqual(left("webhooks/never.ts"), [2, 2]);
  });

  it("counts neither types nor generated files", () => {
    assert.deepEqual(left("certs/shape.ts"), [0, 0]);
    assert.equal(left("assets.gen.ts"), undefined);
  });

  it("is described by its totals, and by the files in which most is left", () => {
    const described = describeCoverage(coverage, { lines: 10, branches: 99 }, 1);
    assert.match(described, /lines \d+\.\d\d % \(at least 10 %\)\n/);
    assert.match(described, /branches \d+\.\d\d % \(at least 99 %\): too little\n/);
    assert.match(described, /webhooks\/never\.ts: 2 lines, 2 branches not run\n$/);
    assert.doesNotMatch(described, /sign\.ts/);
  });
});
