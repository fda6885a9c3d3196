import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  process.env.CHROMIUM ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

function find(): string | undefined {
  return PLACES.find((path) => {
    try {
      if (path === "") return false;
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** For a suite's `skip`: false, or why it can't run here, said on standard error too. */
export function skipWithoutChromium(suite: string): string | false {
  if (find() !== undefined) return false;
  const why = "no Chromium is installed (the package chromium, or a path in CHROMIUM)";
  process.stderr.write(`\n!! SKIPPED ${suite}: ${why}\n\n`);
  return why;
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
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: find(), args: ["--no-sandbox", "--disable-gpu", ...STAY_LOCAL] });
}
