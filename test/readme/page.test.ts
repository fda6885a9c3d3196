import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parsePage, ROOT, readPage } from "./page.ts";

const PAGE = [
  "Say `kubectl get x`, or `uninstall`, or `npm`.",
  "```console",
  "$ npm start -- queue   # who waits",
  "one",
  "",
  "two",
  "   $ kubectl get y",
  "```",
  "1. In a list:",
  "   ```console",
  "   $ docker build .",
  "   ```",
  "```",
  "kubectl get z",
  "```",
  "```yaml",
  "a: 1",
  "```",
  "",
].join("\n");

describe("the commands of a page", () => {
  test("are those after a prompt, with what they print, and those in sentences", () => {
    const { commands, yaml, withoutPrompt } = parsePage("page", PAGE);
    assert.deepEqual(
      commands.map(({ text, output }) => [text, ...output]),
      [["kubectl get x"], ["npm start -- queue", "one", "two"], ["kubectl get y"], ["docker build ."]],
    );
    assert.deepEqual(yaml, ["a: 1\n"]);
    assert.deepEqual(withoutPrompt, ["kubectl get z"]);
  });

  for (const file of ["README.md", "docs/install.md", "docs/troubleshooting.md"]) {
    test(`${file} shows none without a prompt, and of npm only scripts that there are`, () => {
      const { commands, withoutPrompt } = readPage(file);
      assert.deepEqual(withoutPrompt, []);
      const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
      for (const { text } of commands) {
        const script = /^npm (?:run )?(\w+)/.exec(text)?.[1];
        if (script !== undefined && script !== "link") assert.ok(Object.hasOwn(scripts, script), text);
      }
    });
  }
});
