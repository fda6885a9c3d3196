import type { Clock } from "../../src/clock.ts";

/** A clock that stands until it is moved; timers fire, in their order, while it moves. */
export class ManualClock implements Clock {
  #nowMs: number;
  #timers: { atMs: number; fire: () => void }[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  monotonicMs = () => this.#nowMs;
  wallMs = () => this.#nowMs;

  schedule(afterMs: number, fire: () => void) {
    const timer = { atMs: this.#nowMs + afterMs, fire };
    this.#timers.push(timer);
    const cancel = () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
    return { cancel };
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (true) {
      const due = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = due.atMs;
      due.fire();
    }
    this.#nowMs = untilMs;
  }

  get waiting(): number {
    return this.#timers.length;
  }
}
