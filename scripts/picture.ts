// Makes the picture of the status page in README.md: of the cluster that the page's tests look at, so that it shows
// every kind of thing and is the same each time. Needs Chromium.
//
//   node scripts/run.mjs scripts/picture.ts [FILE] [light|dark]     default: docs/images/status-page.png light
import { join, relative, resolve } from "node:path";
import { busyWorld } from "../test/ops/busy-cluster.ts";
import { launchChromium } from "../test/ops/chromium.ts";
import { connected, openStatusPage } from "../test/ops/visit.ts";

const root = join(import.meta.dirname, "..");
const [file = "docs/images/status-page.png", scheme = "light"] = process.argv.slice(2);
const path = resolve(root, file);

const browser = await launchChromium();
const { door, page } = await openStatusPage(browser, busyWorld(), {
  viewport: { width: 1200, height: 900 },
  colorScheme: scheme === "dark" ? "dark" : "light",
});
try {
  await connected(page);
  await page.screenshot({ path, fullPage: true });
} finally {
  await browser.close();
  await door.close();
}
process.stdout.write(`${relative(root, path)}\n`);
