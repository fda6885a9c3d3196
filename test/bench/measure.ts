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

/** How long to go on before looking whether the system took the processor away meanwhile. */
const BATCH_US = 200;
/** Fewer undisturbed calls than this say nothing. */
const MIN_SAMPLES = 5;

/**
 * Durations of single calls, microseconds. Calls during which the system gave the processor to another process are
 * left out: on a shared machine they would measure that machine.
 */
export class Samples {
  private readonly us: number[] = [];
  private readonly disturbed: number[] = [];
  private readonly batch: number[] = [];
  private batchUs = 0;
  private switches = involuntarySwitches();

  time<T>(call: () => T): T {
    if (this.batch.length === 0) this.switches = involuntarySwitches();
    const start = performance.now();
    const result = call();
    const took = (performance.now() - start) * 1000;
    this.batch.push(took);
    this.batchUs += took;
    if (this.batchUs > BATCH_US) this.endBatch();
    return result;
  }

  private endBatch(): void {
    if (involuntarySwitches() === this.switches) this.us.push(...this.batch);
    else this.disturbed.push(...this.batch);
    this.batch.length = 0;
    this.batchUs = 0;
  }

  percentile(p: number): number {
    this.endBatch();
    // Calls of many milliseconds are hardly ever left alone.
    const enough = this.us.length >= MIN_SAMPLES;
    const sorted = Float64Array.from(enough ? this.us : [...this.us, ...this.disturbed]).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]!;
  }

  rows(figure: string, limits: { p50: number | null; p99: number | null }): Row[] {
    return [
      { figure: `${figure}, p50`, value: this.percentile(50), unit: "us", limit: limits.p50 },
      { figure: `${figure}, p99`, value: this.percentile(99), unit: "us", limit: limits.p99 },
    ];
  }
}

/**
 * Processor time of one call, milliseconds: for calls so long that on a shared machine others always run meanwhile.
 */
export function processorMs(call: () => void): number {
  const before = process.threadCpuUsage();
  call();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** The middle and the greatest of some durations in milliseconds. */
export function spread(figure: string, durationsMs: readonly number[], limit: number | null): Row[] {
  const sorted = Float64Array.from(durationsMs).sort();
  return [
    { figure: `${figure}, median`, value: sorted[sorted.length >> 1]!, unit: "ms", limit },
    { figure: `${figure}, worst of ${sorted.length}`, value: sorted.at(-1)!, unit: "ms", limit },
  ];
}

function involuntarySwitches(): number {
  return process.resourceUsage().involuntaryContextSwitches;
}
