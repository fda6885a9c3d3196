import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { busyWorld } from "./busy-cluster.ts";
import { launchChromium, skipWithoutChromium } from "./chromium.ts";
import type { QueueDoor } from "./queue-door.ts";
import { connected, openStatusPage } from "./visit.ts";

type Colour = readonly number[];

describe("the colours of the style sheet", () => {
  const css = readFileSync(new URL("../../src/ops/status-page/page.css", import.meta.url), "utf8");
  const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");
  const variables = (text: string) =>
    new Map(
      [...text.matchAll(/--([a-z]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [name, value]),
    );
  const schemes = { light: variables(light), dark: new Map([...variables(light), ...variables(dark)]) };
  const pairs = ["text", "quiet", "accent", "good", "warn", "bad"].flatMap((text) => [
    [text, "card"],
    [text, "ground"],
  ]) as [string, string][];

  for (const [scheme, colours] of Object.entries(schemes)) {
    it(`of text have a contrast of at least 4.5 (WCAG AA) in the ${scheme} scheme`, () => {
      for (const [text, ground] of pairs) {
        const ratio = contrast(fromHex(colours.get(text)), fromHex(colours.get(ground)));
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    });
  }
});

/** Text that a reader sees, by what it is. */
const TEXTS = {
  "body text": "body",
  heading: "h1",
  "who leads": "#leader .headline",
  "since when": "#leader p:not(.headline)",
  link: "#queue-rows button.link",
  "why it waits": "#queue-rows tr:not(.pool) td:last-child",
  "a pool's name": "#queue-rows tr.pool th",
  "a column's name": "#queue-table thead th",
  figure: ".figures dd",
  "what a figure is": ".figures dt",
  allowed: ".allowed",
  rejected: ".rejected",
  footer: "footer",
};

/** In the page: the colour of the text, and all backgrounds from the element's own outwards, painted on a canvas. */
const COLOURS_OF = `(element) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const grounds = [];
  for (let at = element; at !== null; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
  const ground = paint(["Canvas", ...grounds]);
  return { ground, text: paint([getComputedStyle(element).color]) };
}`;

const inChromium = "the status page's colours in Chromium";
describe(inChromium, { skip: skipWithoutChromium(inChromium), timeout: 60_000 }, () => {
  let browser: Browser;
  const doors: QueueDoor[] = [];
  before(async () => {
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await Promise.all(doors.map((door) => door.close()));
  });

  const coloursOf = (page: Page, selector: string) =>
    page.evaluate(`(${COLOURS_OF})(document.querySelector(${JSON.stringify(selector)}))`) as Promise<{
      text: Colour;
      ground: Colour;
    }>;

  for (const colorScheme of ["dark", "light"] as const) {
    it(`are ${colorScheme} for who prefers that, and every text can be read`, async () => {
      const { door, page, faults } = await openStatusPage(browser, busyWorld(), { colorScheme });
      doors.push(door);
      await connected(page);
      for (const [what, selector] of Object.entries(TEXTS)) {
        const { text, ground } = await coloursOf(page, selector);
        const isDark = luminance(ground) < luminance(text);
        assert.equal(isDark, colorScheme === "dark", `${what}: ${text} on ${ground}`);
        const ratio = contrast(text, ground);
        assert.ok(ratio >= 4.5, `${what}: ${text} on ${ground} has a contrast of ${ratio.toFixed(2)}`);
      }
      assert.deepEqual(faults, []);
    });
  }
});

function fromHex(text = ""): Colour {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
}

/** Of two colours, each as red, green and blue from 0 to 255; WCAG 2 defines it. */
function contrast(a: Colour, b: Colour): number {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
