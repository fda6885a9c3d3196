import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { buildCached, builtFolder, type GoBuild, hasGo, isBuilt } from "../controlplane/go-build.ts";

/** What one target answered at one time; "": it did not answer. */
export interface Scrape {
  readonly atMs: number;
  /** What Prometheus adds to each series of this target. */
  readonly target: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Query {
  readonly expr: string;
  readonly atMs: number;
}

/** An alerting rule, as it stands in a PrometheusRule. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Answer {
  /** The engine's words; absent where the query could be evaluated. */
  readonly error?: string;
  readonly series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[];
}

/** An alert at one evaluation at which it fired, its annotations expanded. */
export interface Firing {
  readonly atMs: number;
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Evaluation {
  readonly answers: readonly Answer[];
  readonly firing: readonly Firing[];
}

const MODULE = join(import.meta.dirname, "evaluator");
const BUILDS: readonly GoBuild[] = [
  {
    module: MODULE,
    sources: ["main.go", "storage.go", "alerts.go"],
    args: ["-ldflags", "-s -w", "."],
    says: "Prometheus's query engine (about 40 s, once)",
  },
];

const WHY = "no Prometheus engine: neither Go nor a cached build is there. Install Go.";

/** The program's path, built with Go unless it is in the cache. Undefined where neither is there. */
export async function buildEvaluator(): Promise<string | undefined> {
  if (!isBuilt(builtFolder("promql", BUILDS)) && !hasGo()) return undefined;
  return join(await buildCached("promql", BUILDS), "evaluator");
}

/** false, or the reason to skip, which is printed; with REQUIRE_CONTROLPLANE=1, which stands for Go, it throws. */
export async function skipWithoutEvaluator(name: string): Promise<false | string> {
  if ((await buildEvaluator()) !== undefined) return false;
  if (process.env.REQUIRE_CONTROLPLANE === "1") throw new Error(WHY);
  process.stderr.write(`\n!!! SKIPPED ${name}: ${WHY}\n\n`);
  return WHY;
}

/** Rules are evaluated every `everyMs` (default 30_000) from the first scrape to the last; scrapes are in order. */
export async function evaluate(input: {
  readonly scrapes: readonly Scrape[];
  readonly queries?: readonly Query[];
  readonly rules?: readonly AlertingRule[];
  readonly everyMs?: number;
}): Promise<Evaluation> {
  const binary = await buildEvaluator();
  if (binary === undefined) throw new Error(WHY);
  const { scrapes, queries = [], rules = [], everyMs = 30_000 } = input;
  const child = spawn(binary, [], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  child.stdin.end(JSON.stringify({ scrapes, queries, rules, evaluateEveryMs: everyMs }));
  const [output, problems, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`The Prometheus engine ended with ${code}: ${problems}`);
  return JSON.parse(output) as Evaluation;
}
