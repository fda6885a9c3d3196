import { accessSync, constants } from "node:fs";
import { test } from "node:test";
import { type Browser, chromium } from "playwright-core";
import { reportingCoverage } from "./page-coverage.ts";

/** A path in CHROMIUM counts alone. */
const PLACES = process.env.CHROMIUM
  ? [process.env.CHROMIUM]
  : ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const WHY = "no Chromium is installed (the package chromium, or a path in CHROMIUM)";

function find(): string | undefined {
  return PLACES.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * For a suite's `skip`: false, or why it can't run here, said on standard error too and counted as a test that was
 * skipped, since a skipped suite counts as nothing. With REQUIRE_CHROMIUM=1 it throws.
 */
export function skipWithoutChromium(suite: string): string | false {
  if (find() !== undefined) return false;
  if (process.env.REQUIRE_CHROMIUM === "1") throw new Error(WHY);
  process.stderr.write(`\n!!! SKIPPED ${suite}: ${WHY}\n\n`);
  test(`${suite}: not tested`, { skip: WHY });
  return WHY;
}

/** A browser calls home when it starts; a test's has nothing to say there. */
const STAY_LOCAL = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser without a window; the sandbox is off because containers often lack what it needs. */
export async function launchChromium(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-gpu", ...STAY_LOCAL];
  return reportingCoverage(await chromium.launch({ executablePath: find(), args }));
}
