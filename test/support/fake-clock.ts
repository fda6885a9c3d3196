import type { Clock, Timer } from "../../src/clock.ts";

interface Entry {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Time that moves only when a test says so. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  /** Earliest first; equal times in the order in which they were scheduled. */
  readonly #timers: Entry[] = [];

  /** @param wallMs the date at the beginning */
  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  schedule(afterMs: number, fire: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, afterMs), fire };
    const index = this.#timers.findLastIndex((other) => other.atMs <= entry.atMs) + 1;
    this.#timers.splice(index, 0, entry);
    return {
      cancel: () => {
        const at = this.#timers.indexOf(entry);
        if (at !== -1) this.#timers.splice(at, 1);
      },
    };
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves on by `ms`, running what falls due in order; after each, everything that it set going has settled. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#timers[0]; next !== undefined && next.atMs <= untilMs; next = this.#timers[0]) {
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  /** Sets the date, as an administrator or a time service does; or what a suspended machine finds on waking. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }
}

/** Promises that follow from one another without I/O have all settled when the next macrotask runs. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
