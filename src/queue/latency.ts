/** How many of the last durations count; two seconds' worth in a storm, hours in a quiet cluster. */
const WINDOW = 2_048;

/** Milliseconds; null while nothing was measured. */
export interface Percentiles {
  /** How many durations these are of, at most 2,048. */
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** The last durations of one kind of work: exact percentiles of them, in memory that does not grow. */
export class LatencyWindow {
  readonly #durations = new Float64Array(WINDOW);
  #noted = 0;

  note(durationMs: number): void {
    this.#durations[this.#noted++ % WINDOW] = durationMs;
  }

  percentiles(): Percentiles {
    const count = Math.min(this.#noted, WINDOW);
    const sorted = this.#durations.slice(0, count).sort();
    // Nearest rank: a duration that was really measured, never one between two.
    const at = (share: number) => (count === 0 ? null : sorted[Math.ceil(share * count) - 1]!);
    return { count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
  }
}
