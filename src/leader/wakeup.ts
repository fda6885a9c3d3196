import type { Clock } from "../clock.ts";

/** A wait that news can cut short; news that comes while nobody waits is not lost. */
export class Wakeup {
  readonly #clock: Clock;
  #rung = false;
  #wake: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the present wait, or the next one at its beginning. */
  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Forgets earlier news: what comes next looks at the state of now. */
  forget(): void {
    this.#rung = false;
  }

  /** Resolves after `ms`, when it rings (or has rung), or when `signal` is aborted; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        this.#wake = () => {};
        resolve();
      };
      const timer = this.#clock.schedule(ms, done);
      signal.addEventListener("abort", done);
      this.#wake = done;
    });
  }
}
