import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../controlplane/index.ts";

/** One exchange with the server, normalised. */
export interface Step {
  /** "GET /path", "watch /path", "kubectl get ...", or whatever a scenario notes. */
  readonly did: string;
  readonly code?: number;
  readonly headers?: Record<string, string>;
  readonly got?: Json;
}

type Transcripts = Record<string, readonly Step[]>;

/**
 * What the real API server answered, one file per group of scenarios. RECORD=1 with apiserver.test.ts writes them
 * anew: read the difference before committing it, it is a change of the truth.
 */
export class Golden {
  readonly #path: string;
  readonly #known: Transcripts;
  readonly #recorded: Transcripts = {};

  constructor(group: string) {
    this.#path = join(import.meta.dirname, "golden", `${group}.gen.json`);
    this.#known = read(this.#path);
  }

  expected(scenario: string): readonly Step[] | undefined {
    return this.#known[scenario];
  }

  record(scenario: string, steps: readonly Step[]): void {
    this.#recorded[scenario] = steps;
  }

  /** `order`: all scenarios of the group. Those that were not run keep what is known of them. */
  write(order: readonly string[]): void {
    const scenarios = order.flatMap((name) => {
      const steps = this.#recorded[name] ?? this.#known[name];
      if (!steps) return [];
      return `${JSON.stringify(name)}: [\n${steps.map((step) => `  ${JSON.stringify(step)}`).join(",\n")}\n]`;
    });
    writeFileSync(this.#path, `{\n${scenarios.join(",\n")}\n}\n`);
  }
}

function read(path: string): Transcripts {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Transcripts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
