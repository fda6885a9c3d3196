import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** A command as a page shows it, without its prompt and without a comment. */
export interface Command {
  readonly text: string;
  /** What the page says that it prints; empty where it says nothing. */
  readonly output: readonly string[];
}

export interface Page {
  readonly file: string;
  readonly text: string;
  /** In the order of the page: after each "$ " in fenced blocks, and whole commands between backticks in a sentence. */
  readonly commands: readonly Command[];
  /** The fenced blocks of YAML. */
  readonly yaml: readonly string[];
  /** Lines in fenced blocks that look like a command but have no prompt, so that nobody would notice them here. */
  readonly withoutPrompt: readonly string[];
}

const PROGRAMS = "kubectl|npm|docker|beskar7-claim-coordinator";
const FENCE = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;
const IN_SENTENCE = new RegExp(`\`((?:${PROGRAMS}) [^\`\n]+)\``, "g");

export function readPage(file: string): Page {
  return parsePage(file, readFileSync(join(ROOT, file), "utf8"));
}

export function parsePage(file: string, text: string): Page {
  const commands: (Command & { at: number })[] = [];
  const withoutPrompt: string[] = [];
  const yaml: string[] = [];
  const sentences = text.replaceAll(FENCE, (block, _indent, language: string, body: string, at: number) => {
    if (language === "yaml") yaml.push(body);
    const fenced = fencedCommands(body);
    commands.push(...fenced.commands.map((command) => ({ ...command, at })));
    withoutPrompt.push(...fenced.withoutPrompt);
    // The same length, so that places in the text stay what they are.
    return " ".repeat(block.length);
  });
  for (const match of sentences.matchAll(IN_SENTENCE)) {
    commands.push({ text: match[1]!, output: [], at: match.index });
  }
  commands.sort((a, b) => a.at - b.at);
  return { file, text, commands, yaml, withoutPrompt };
}

function fencedCommands(body: string) {
  const commands: { text: string; output: string[] }[] = [];
  const withoutPrompt: string[] = [];
  for (const line of body.split("\n")) {
    const command = /^\s*\$ (.*?)(?:\s+# .*)?$/.exec(line)?.[1];
    if (command !== undefined) commands.push({ text: command, output: [] });
    else if (commands.length > 0) commands.at(-1)?.output.push(...(line.trim() === "" ? [] : [line]));
    else if (new RegExp(`^\\s*(?:${PROGRAMS}) `).test(line)) withoutPrompt.push(line);
  }
  return { commands, withoutPrompt };
}
