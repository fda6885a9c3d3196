// How much of the product the tests ran, from the reports that V8 writes for every process of a test run
// (NODE_V8_COVERAGE): test files, and replicas and commands that they start. `npm test -- --coverage`.
import { globSync, readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CoverageReport, type V8CoverageEntry } from "monocart-coverage-reports";

/** Generated files are data. */
const PRODUCT = "{src,webhooks,certs}/**/*.ts";
/** Count where a browser was there to run them: its tests report in V8's form (test/ops/page-coverage.ts). */
const IN_BROWSER = "src/ops/status-page/*.js";
const GENERATED = "**/*.gen.ts";
/** A process that loads this runs a product with a mistake planted in it, whose lines are not the product's. */
const PLANTS_MISTAKES = "/test/simulation/plant.ts";
const SUMMARY = "summary.json";

/** Percent of all lines with a statement, and of all branches (both ways of each if, ?:, &&, ||, ?? and case). */
export interface Shares {
  readonly lines: number;
  readonly branches: number;
}

export interface FileCoverage {
  readonly path: string;
  readonly uncoveredLines: number;
  readonly uncoveredBranches: number;
}

export interface Coverage extends Shares {
  /** All files of the product, also those that no process loaded. */
  readonly files: readonly FileCoverage[];
}

/** Of Istanbul's json-summary, by path and once as "total". */
interface Summary {
  readonly lines: Share;
  readonly branches: Share;
}

interface Share {
  readonly total: number;
  readonly covered: number;
  readonly pct: number;
}

interface V8Script {
  readonly url: string;
  readonly functions: unknown[];
}

/**
 * Reads V8's reports in `reports`, and writes pages to look at into `pages`.
 * @param root where the product's folders are.
 */
export async function measureCoverage(reports: string, root: string, pages: string): Promise<Coverage> {
  const sources = new Map<string, string>();
  for (const path of globSync(PRODUCT, { cwd: root, exclude: [GENERATED] })) {
    // Types are blanked out, so that what is left stands where V8 says that it stands.
    const source = stripTypeScriptTypes(readFileSync(join(root, path), "utf8"));
    sources.set(pathToFileURL(join(root, path)).href, source);
  }
  const report = new CoverageReport({
    name: "Coverage",
    baseDir: root,
    outputDir: pages,
    reports: ["html", ["json-summary", { file: SUMMARY }]],
    logging: "error",
  });
  const scripts = globSync(IN_BROWSER, { cwd: root }).map((path) => join(root, path));
  for (const path of scripts) sources.set(pathToFileURL(path).href, readFileSync(path, "utf8"));
  const unloaded = new Set(sources.keys());
  for (const name of readdirSync(reports)) {
    const result = scriptsIn(readFileSync(join(reports, name), "utf8"));
    if (result.some(({ url }) => url.endsWith(PLANTS_MISTAKES))) continue;
    const entries = result.flatMap((script): V8CoverageEntry[] => {
      const source = sources.get(script.url);
      return source === undefined ? [] : [{ ...script, source }];
    });
    for (const { url } of entries) unloaded.delete(url);
    if (entries.length > 0) await report.add(entries);
  }
  const inBrowser = scripts.map((path) => pathToFileURL(path).href);
  if (inBrowser.every((url) => unloaded.has(url))) for (const url of inBrowser) unloaded.delete(url);
  for (const url of unloaded) await report.add([neverRun(url, sources.get(url)!)]);

  await report.generate();
  const summary = JSON.parse(readFileSync(join(pages, SUMMARY), "utf8")) as Record<string, Summary>;
  const { total, ...files } = summary;
  return {
    lines: total!.lines.pct,
    branches: total!.branches.pct,
    files: Object.entries(files).map(([path, { lines, branches }]) => ({
      path,
      uncoveredLines: lines.total - lines.covered,
      uncoveredBranches: branches.total - branches.covered,
    })),
  };
}

/** A process that was killed while it wrote its report has none. */
function scriptsIn(report: string): V8Script[] {
  try {
    return (JSON.parse(report) as { result: V8Script[] }).result;
  } catch {
    return [];
  }
}

function neverRun(url: string, source: string): V8CoverageEntry {
  const ranges = [{ startOffset: 0, endOffset: source.length, count: 0 }];
  return { url, source, functions: [{ functionName: "", isBlockCoverage: true, ranges }] };
}

/** A few lines for the end of a test run: totals beside their thresholds, and where most is left. */
export function describeCoverage({ lines, branches, files }: Coverage, least: Shares, most = 5): string {
  const verdict = (name: string, share: number, threshold: number): string =>
    `ℹ coverage ${name} ${share.toFixed(2)} % (at least ${threshold} %)${share < threshold ? ": too little" : ""}\n`;
  const left = files
    .filter(({ uncoveredLines, uncoveredBranches }) => uncoveredLines + uncoveredBranches > 0)
    .sort((a, b) => b.uncoveredLines + b.uncoveredBranches - (a.uncoveredLines + a.uncoveredBranches))
    .slice(0, most)
    .map(
      ({ path, uncoveredLines, uncoveredBranches }) =>
        `    ${path}: ${uncoveredLines} lines, ${uncoveredBranches} branches not run\n`,
    );
  return [verdict("lines", lines, least.lines), verdict("branches", branches, least.branches), ...left].join(
    "",
  );
}
