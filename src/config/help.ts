import { COMMANDS } from "./commands.ts";
import { FLAG_FIELDS, flagSpec } from "./flags.ts";
import { COMMAND_NAMES, type CommandName, GROUPS, type Spec } from "./spec.ts";

/** The name that usage lines show. */
const PROGRAM = "beskar7-claim-coordinator";
const WIDTH = 100;

/** What --help prints: every command, or one command with its flags in groups. Ends with a newline. */
export function renderHelp(command?: CommandName): string {
  if (command === undefined || command === "help") {
    const width = Math.max(...COMMAND_NAMES.map((name) => name.length));
    const list = COMMAND_NAMES.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name].summary}`);
    return [
      `Usage: ${PROGRAM} [COMMAND] [FLAGS]`,
      "",
      "Commands:",
      ...list,
      "",
      `"${PROGRAM} help COMMAND" lists a command's flags. Flags are written as --name=value; durations as 15s,`,
      "1m30s or 500ms. Environment: POD_NAME, POD_NAMESPACE, KUBECONFIG.",
      "",
    ].join("\n");
  }
  const { usage, summary } = COMMANDS[command];
  const lines = [`Usage: ${[PROGRAM, command, usage, "[FLAGS]"].filter(Boolean).join(" ")}`, "", summary];
  for (const [group, specs] of groupsOf((spec) => spec.commands.includes(command))) {
    lines.push("", `${group}:`);
    for (const spec of specs) {
      lines.push(
        `  ${signature(spec)}${defaultOf(spec)}`,
        ...wrap(spec.help, WIDTH - 8).map((line) => `        ${line}`),
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

/** docs/flags.md, whole. A test compares the file with this. */
export function renderFlagsMarkdown(): string {
  const lines = [
    "# Commands and flags",
    "",
    "Generated from `src/config/flags.ts`; `npm test` fails when this page is stale.",
    "",
    "Flags are written as in Go programs: `--name=value`, `--name value` or `-name=value`; a boolean may stand alone.",
    "Durations are Go's: `15s`, `1m30s`, `500ms`. Every problem is reported at once, with what to write instead.",
    "",
    "| command | what it does |",
    "|---|---|",
    ...COMMAND_NAMES.map(
      (name) =>
        `| \`${[name, COMMANDS[name].usage.replaceAll("|", "\\|")].join(" ").trim()}\` | ${COMMANDS[name].summary} |`,
    ),
    "",
    "Environment: `POD_NAME` and `POD_NAMESPACE` (from the downward API) name this replica and the namespace of its",
    "Lease; `KUBECONFIG` stands in for `--kubeconfig`.",
  ];
  for (const [group, specs] of groupsOf(() => true)) {
    lines.push(
      "",
      `## ${group}`,
      "",
      "| flag | default | values | meaning | commands |",
      "|---|---|---|---|---|",
    );
    for (const spec of specs) {
      const cells = [
        `\`${signature(spec)}\``,
        spec.default === "" ? "" : `\`${spec.default}\``,
        spec.values,
        spec.help,
        spec.commands.join(", "),
      ];
      lines.push(`| ${cells.join(" | ")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function groupsOf(takes: (spec: Spec<unknown>) => boolean): [group: string, specs: Spec<unknown>[]][] {
  const specs = FLAG_FIELDS.map(flagSpec).filter(takes);
  return GROUPS.map((group): [string, Spec<unknown>[]] => [
    group,
    specs.filter((spec) => spec.group === group),
  ]).filter(([, members]) => members.length > 0);
}

function signature(spec: Spec<unknown>): string {
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  return `${short}--${spec.flag}${spec.isBoolean ? "" : `=${spec.placeholder}`}`;
}

function defaultOf(spec: Spec<unknown>): string {
  const parts = [spec.values, spec.default === "" ? "" : `default ${spec.default}`].filter(Boolean);
  return parts.length === 0 ? "" : `  (${parts.join("; ")})`;
}

function wrap(sentence: string, width: number): string[] {
  const lines = [""];
  for (const word of sentence.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
