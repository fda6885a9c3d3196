import type { Browser, Page } from "playwright-core";
import type { World } from "../../src/coordinator/world.ts";
import { type Auth, openAuth } from "../../src/ops/auth.ts";
import { statusPageRoute } from "../../src/ops/status-page.ts";
import { liveThrough } from "./busy-cluster.ts";
import { countCoverage } from "./page-coverage.ts";
import { QueueDoor } from "./queue-door.ts";

export interface VisitOptions {
  readonly auth?: Auth;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: "light" | "dark";
}

export interface Visit {
  /** Whoever visits closes it. */
  readonly door: QueueDoor;
  readonly page: Page;
  /** What went wrong in the page, and what it asked of others. */
  readonly faults: string[];
}

/** The status page of a replica that has lived through a while, in a browser of its own language and time zone. */
export async function openStatusPage(
  browser: Browser,
  world: World,
  options: VisitOptions = {},
): Promise<Visit> {
  const { auth = openAuth, viewport = { width: 1280, height: 900 }, colorScheme = "light" } = options;
  const door = new QueueDoor(world);
  liveThrough(door);
  await door.open(auth, [statusPageRoute()]);
  const context = await browser.newContext({ viewport, colorScheme, timezoneId: "UTC", locale: "en-GB" });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // The browser itself reports every answer that is no success.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(door.url)) faults.push(`asked ${request.url()}`);
  });
  await countCoverage(page);
  await page.goto(`${door.url}/`);
  return { door, page, faults };
}

export const connected = (page: Page): Promise<void> =>
  page.locator('#connection[data-state="live"]').waitFor();
