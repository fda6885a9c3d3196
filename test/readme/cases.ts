import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "./page.ts";
import type { Playground } from "./playground.ts";

/** What becomes of a command of a page. */
export type Case =
  | {
      /** Why it can't be run here, and what proves it instead. */
      readonly notRun: string;
    }
  | {
      /** The command with its placeholders filled in; default: as the page shows it. */
      readonly type?: string;
      /** Ctrl-C, once the output has this. */
      readonly until?: RegExp;
      /** Exit codes that are fine; default 0 alone. */
      readonly codes?: readonly number[];
      /** The output matches. */
      readonly prints?: RegExp;
      /** It prints what the page shows, line by line; names, numbers and times may be others. */
      readonly asShown?: true;
      readonly before?: () => Promise<void> | void;
      readonly after?: () => Promise<unknown>;
    };

/** One test for each command of the page, in the page's order, and one that none is without a case. */
export function testCommands(
  page: Page,
  playground: () => Playground,
  cases: Readonly<Record<string, Case>>,
): void {
  test(`every command of ${page.file} has a test or a reason, and nothing else has`, () => {
    const shown = new Set(page.commands.map(({ text }) => text));
    assert.deepEqual([...shown].sort(), Object.keys(cases).sort());
  });

  for (const { text, output } of page.commands) {
    const one = cases[text];
    if (one === undefined || "notRun" in one) continue;
    test(`$ ${text}`, async () => {
      await one.before?.();
      const result = await playground().type(one.type ?? text, one.until);
      await one.after?.();
      // Of a command that was interrupted the shell tells only that.
      const ended = one.until !== undefined || (one.codes ?? [0]).includes(result.code);
      assert.ok(ended, `exit code ${result.code}\n${result.output}`);
      if (one.prints !== undefined) assert.match(result.output, one.prints);
      if (one.asShown) assertShown(result.output, output);
    });
  }
}

function assertShown(printed: string, shown: readonly string[]): void {
  assert.ok(shown.length > 0, "the page shows an output");
  const lines = printed.split("\n").map(alike);
  let from = 0;
  for (const line of shown) {
    if (/^\s*(\.\.\.|\^C)$/.test(line)) continue;
    const at = lines.indexOf(alike(line), from);
    assert.notEqual(at, -1, `the page shows "${line}"; printed was:\n${printed}`);
    from = at + 1;
  }
}

/** Without what differs from run to run. */
function alike(line: string): string {
  return line
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/beskar7-demo-\w+/g, "FOLDER")
    .replaceAll(/\b(created|configured|unchanged)$/g, "APPLIED")
    .replaceAll(/\d+/g, "0")
    .replaceAll(/\s+/g, " ")
    .trim();
}
