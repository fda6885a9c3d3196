import { nearest } from "./nearest.ts";
import type { CommandName, Problem, Spec } from "./spec.ts";

/** A command line taken apart, nothing of it judged yet but the flags' names. */
export interface Argv {
  /** By field, the text given last; a list's texts are joined. */
  readonly given: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
  readonly wantsHelp: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Reads flags as Go programs do: one dash or two, `--name=value` or `--name value`, `--name` alone for a boolean,
 * `--` ends them. Unlike Go's own package, flags may follow positional arguments.
 */
export function readArgv(
  argv: readonly string[],
  command: CommandName,
  specs: Record<string, Spec<unknown>>,
): Argv {
  const fieldOf = new Map<string, string>();
  for (const [field, spec] of Object.entries(specs)) {
    fieldOf.set(spec.flag, field);
    if (spec.short !== undefined) fieldOf.set(spec.short, field);
  }
  const given = new Map<string, string>();
  const positional: string[] = [];
  const problems: Problem[] = [];
  let wantsHelp = false;

  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") {
      positional.push(...argv.slice(i + 1));
      break;
    }
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) {
      if (word.startsWith("-"))
        problems.push({ path: "arguments", got: word, want: "a flag such as --name=value" });
      else positional.push(word);
      continue;
    }
    const name = match[1]!;
    if (name === "h" || name === "help") {
      wantsHelp = true;
      continue;
    }
    const field = fieldOf.get(name);
    if (field === undefined) {
      problems.push(unknownFlag(name, [...fieldOf.keys()]));
      continue;
    }
    const spec = specs[field]!;
    const inline = match[2];
    const text = inline ?? (spec.isBoolean ? "true" : argv[++i]);
    if (!spec.commands.includes(command)) {
      problems.push({
        path: `--${spec.flag}`,
        got: command,
        want: `a command that takes it: ${spec.commands.join(", ")}`,
      });
    } else if (text === undefined) {
      problems.push({ path: `--${spec.flag}`, got: "no value", want: `--${spec.flag}=${spec.placeholder}` });
    } else {
      const before = given.get(field);
      given.set(field, spec.isList && before !== undefined ? `${before},${text}` : text);
    }
  }
  return { given, positional, wantsHelp, problems };
}

function unknownFlag(name: string, known: readonly string[]): Problem {
  const guess = nearest(name, known);
  const want =
    guess === undefined ? "a known flag; --help lists them" : `a known flag; did you mean --${guess}?`;
  return { path: `--${name}`, got: "an unknown flag", want };
}
