import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { COMMAND_NAMES } from "../../src/config/spec.ts";
import { parseConfig } from "../../src/config.ts";
import { WHY } from "../../src/doctor/why.ts";

const PAGE = readFileSync(new URL("../../docs/troubleshooting.md", import.meta.url), "utf8");

describe("docs/troubleshooting.md", () => {
  test("has every problem that doctor knows, and why it matters, in its own words", () => {
    const missing = Object.entries(WHY).filter(([id, why]) => !PAGE.includes(`| \`${id}\` | ${why} |`));
    assert.deepEqual(missing, []);
  });

  test("names no problem that doctor does not know", () => {
    const named = [
      ...PAGE.matchAll(/^ {2}(?:error|warning) +(\w+):/gm),
      ...PAGE.matchAll(/^\| `([A-Z]\w+)` \|/gm),
    ];
    const unknown = named.map(([, id]) => id!).filter((id) => !Object.hasOwn(WHY, id));
    assert(named.length > 0);
    assert.deepEqual(unknown, []);
  });

  test("shows commands of this service that its command line understands", () => {
    const commands = [...PAGE.matchAll(/^\s*\$ beskar7-claim-coordinator (.*)$/gm)].map(
      ([, words]) => words!,
    );
    assert(commands.length > 0);
    for (const words of commands) {
      const argv = words
        .split(/ [;|#]/)[0]!
        .trim()
        .split(/\s+/);
      assert(
        COMMAND_NAMES.some((name) => name === argv[0]),
        words,
      );
      assert(parseConfig(argv, {}).ok, words);
    }
  });
});
