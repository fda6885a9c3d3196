import type { Bench, Row } from "./main.ts";

/** Runs them one after the other and prints what they found; false: a limit was passed, or a bench broke. */
export async function runBenches(
  benches: readonly Bench[],
  print: (line: string) => void,
  nowMs = () => performance.now(),
): Promise<boolean> {
  const beganMs = nowMs();
  const wrong: string[] = [];
  let figures = 0;
  for (const bench of benches) {
    const startedMs = nowMs();
    print(`\n${bench.name} (Node ${process.version})`);
    try {
      for (const row of await bench.run()) {
        figures += 1;
        print(lineOf(row));
        if (isOver(row)) wrong.push(`over: ${bench.name}, ${lineOf(row).trim()}`);
      }
    } catch (error) {
      // One that breaks must not cost the figures of the hour after it.
      print(`  ${error instanceof Error ? (error.stack ?? error.message) : error}`);
      wrong.push(`broken: ${bench.name}`);
    }
    print(`  (${tookOf(nowMs() - startedMs)})`);
  }
  print(`\n${figures} figures in ${tookOf(nowMs() - beganMs)}`);
  for (const line of wrong) print(line);
  return wrong.length === 0;
}

function isOver({ value, limit }: Row): boolean {
  // One that is not a number has kept no limit.
  return limit !== null && !(value <= limit);
}

function lineOf(row: Row): string {
  const { figure, value, unit, limit } = row;
  const bound = limit === null ? "" : `  (limit ${limit})${isOver(row) ? "  OVER" : ""}`;
  return `  ${figure.padEnd(98)} ${shown(value).padStart(10)} ${unit}${bound}`;
}

/** Small ratios would all be 0.00. */
function shown(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.1) return value.toPrecision(2);
  return value.toFixed(value < 100 ? 2 : 0);
}

function tookOf(ms: number): string {
  return ms < 120_000 ? `${(ms / 1_000).toFixed(0)} s` : `${(ms / 60_000).toFixed(0)} min`;
}
