/**
 * `npm run bench` runs every bench but the long ones, `npm run bench -- all` those too, `npm run bench -- NAME...` only
 * those named; prints a row a figure, with its limit where there is one, and fails when a limit is passed.
 */
import { admissionBench } from "./admission.ts";
import { claimsBench } from "./claims.ts";
import { comparisonBench } from "./comparison.ts";
import { contentionBench } from "./contention.ts";
import { optimisticBench } from "./contention-optimistic.ts";
import { electionBench } from "./election.ts";
import { growthBench } from "./growth.ts";
import { mirrorBench } from "./mirror.ts";
import { sandboxBench } from "./sandbox.ts";
import { soakBench } from "./soak.ts";
import { startupBench } from "./startup.ts";

/** One figure. */
export interface Row {
  readonly figure: string;
  readonly value: number;
  /** "us", "ms", "bytes" and so on. */
  readonly unit: string;
  /** The value is not to be greater; null: only told. */
  readonly limit: number | null;
}

export interface Bench {
  readonly name: string;
  /** It takes minutes, so it does not run with the others. */
  readonly onlyNamed?: boolean;
  run(): Promise<Row[]>;
}

const BENCHES: readonly Bench[] = [
  claimsBench,
  contentionBench,
  optimisticBench,
  comparisonBench,
  growthBench,
  admissionBench,
  mirrorBench,
  electionBench,
  sandboxBench,
  startupBench,
  soakBench,
];

async function main(names: readonly string[]): Promise<void> {
  const all = names.length === 1 && names[0] === "all";
  const unknown = all ? [] : names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map((bench) => bench.name).join(", ");
    console.error(`No bench is called ${unknown.join(", ")}; there are: ${known}`);
    process.exitCode = 2;
    return;
  }
  for (const bench of BENCHES) {
    const wanted = names.length === 0 ? bench.onlyNamed !== true : all || names.includes(bench.name);
    if (!wanted) continue;
    console.log(`\n${bench.name} (Node ${process.version})`);
    for (const row of await bench.run()) print(row);
  }
}

function print({ figure, value, unit, limit }: Row): void {
  const over = limit !== null && value > limit;
  if (over) process.exitCode = 1;
  const bound = limit === null ? "" : `  (limit ${limit})${over ? "  OVER" : ""}`;
  const digits = value < 100 ? 2 : 0;
  console.log(`  ${figure.padEnd(68)} ${value.toFixed(digits).padStart(10)} ${unit}${bound}`);
}

await main(process.argv.slice(2));
