/** How figures are taken: single calls by their own time, memory after full collections. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Row } from "./main.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of heap in use; typed arrays count too. */
export function heapBytes(): number {
  // The second pass takes what the first one's finalizers let go.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Durations of single calls, microseconds. */
export class Samples {
  private readonly us: number[] = [];

  time<T>(call: () => T): T {
    const start = performance.now();
    const result = call();
    this.us.push((performance.now() - start) * 1000);
    return result;
  }

  percentile(p: number): number {
    const sorted = Float64Array.from(this.us).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]!;
  }

  rows(figure: string, limits: { p50: number | null; p99: number | null }): Row[] {
    return [
      { figure: `${figure}, p50`, value: this.percentile(50), unit: "us", limit: limits.p50 },
      { figure: `${figure}, p99`, value: this.percentile(99), unit: "us", limit: limits.p99 },
    ];
  }
}
