import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { skipWithoutChromium } from "../ops/chromium.ts";

const ROOT = join(import.meta.dirname, "../..");
const name = "the picture of the status page";

/** Width and height in a PNG's header. */
const sizeOf = (file: string) => [16, 20].map((at) => readFileSync(file).readUInt32BE(at));

describe(name, { skip: skipWithoutChromium(name), timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "picture-"));
  after(() => rmSync(folder, { recursive: true }));

  it("can be made again, and shows as much of the page as the one in README.md", () => {
    const file = join(folder, "page.png");
    execFileSync(process.execPath, [join(ROOT, "scripts/picture.ts"), file]);
    const [width = 0, height = 0] = sizeOf(file);
    const [oldWidth = 0, oldHeight = 0] = sizeOf(join(ROOT, "docs/images/status-page.png"));
    assert.equal(width, oldWidth);
    // Fonts and browsers differ by some lines.
    assert.ok(Math.abs(height / oldHeight - 1) < 0.1, `${height} px, not ${oldHeight}`);
  });
});
