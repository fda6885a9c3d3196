import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";

const SCRIPTS = join(import.meta.dirname, "../../src/ops/status-page");
const { NODE_V8_COVERAGE: reports } = process.env;

/** Where a run is measured: counts from here on what the page's scripts run. */
export async function countCoverage(page: Page): Promise<void> {
  if (reports) await page.coverage.startJSCoverage({ resetOnNavigation: false });
}

/**
 * A browser that reports at its end what its pages ran, beside the reports of Node's processes and in their form. The
 * page's scripts are served as they are, so what stands where in them stands there in the files.
 */
export function reportingCoverage(browser: Browser): Browser {
  if (!reports) return browser;
  const close = browser.close.bind(browser);
  browser.close = async (options) => {
    mkdirSync(reports, { recursive: true });
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      const entries = await page.coverage.stopJSCoverage();
      const result = entries.map(({ url, ...entry }) => {
        const name = new URL(url).pathname.split("/").at(-1) ?? "";
        return { ...entry, url: pathToFileURL(join(SCRIPTS, name)).href };
      });
      writeFileSync(join(reports, `coverage-page-${randomUUID()}.json`), JSON.stringify({ result }));
    }
    await close(options);
  };
  return browser;
}
