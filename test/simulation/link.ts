import type { ActiveFaults, Fault } from "./faults.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** What becomes of one message. */
export type Fate =
  | { arrives: true; afterMs: number; againAfterMs: number | null }
  /** The sender learns of it (a reset connection), or never does. */
  | { arrives: false; noticed: boolean };

/** The wire between a process and the API server: how long messages take, and which get lost. */
export class Link {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #active: ActiveFaults;
  readonly process: SimProcess;
  #cutUntilMs = 0;
  #lagUntilMs = 0;
  #lagMs = 0;
  /** plural of the type whose watch lags; "" all. */
  #lagging = "";

  constructor(options: { scheduler: Scheduler; random: Random; active: ActiveFaults; process: SimProcess }) {
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.#active = options.active;
    this.process = options.process;
  }

  get cut(): boolean {
    return this.#scheduler.nowMs < this.#cutUntilMs;
  }

  cutFor(ms: number): void {
    this.#cutUntilMs = this.#scheduler.nowMs + ms;
  }

  /** Events of all watches, or of one type's alone, come this much later for a while. */
  lagFor(ms: number, lagMs: number, plural = ""): void {
    this.#lagUntilMs = this.#scheduler.nowMs + ms;
    this.#lagMs = lagMs;
    this.#lagging = plural;
  }

  heal(): void {
    this.#cutUntilMs = 0;
    this.#lagUntilMs = 0;
  }

  request(writes: boolean): Fate {
    const random = this.#random;
    if (this.#strikes("losses", 0.02)) return this.#lost();
    const late = writes && this.#strikes("late-writes", 0.05);
    const afterMs = late ? random.between(5_000, 40_000) : this.#transitMs();
    const again = this.#strikes("duplicates", 0.03);
    return this.#unlessCut({
      arrives: true,
      afterMs,
      againAfterMs: again ? random.between(0, 20_000) : null,
    });
  }

  response(): Fate {
    if (this.#strikes("losses", 0.02)) return this.#lost();
    return this.#unlessCut({ arrives: true, afterMs: this.#transitMs(), againAfterMs: null });
  }

  /** For one event of a watch, which never overtakes the one before it. */
  eventMs(plural: string): number {
    const { nowMs } = this.#scheduler;
    const lags = nowMs < this.#lagUntilMs && (this.#lagging === "" || this.#lagging === plural);
    const laggingMs = lags ? this.#lagMs * this.#random.between(0.5, 1) : 0;
    return Math.max(this.#cutUntilMs - nowMs, 0) + this.#transitMs() + laggingMs;
  }

  #transitMs(): number {
    const random = this.#random;
    if (!this.#strikes("delays", 0.3)) return random.between(0.2, 2);
    return random.chance(0.9) ? random.between(2, 100) : random.between(100, 3_000);
  }

  #strikes(fault: Fault, probability: number): boolean {
    return this.#active.has(fault) && this.#active.strike(fault, this.#random.chance(probability));
  }

  #lost(): Fate {
    return { arrives: false, noticed: this.#random.chance(0.5) };
  }

  /** TCP sends again what was not acknowledged, if both ends live until the way is open again. */
  #unlessCut(fate: Fate & { arrives: true }): Fate {
    if (!this.cut) return fate;
    if (this.#random.chance(0.5)) return { arrives: false, noticed: false };
    return { ...fate, afterMs: fate.afterMs + this.#cutUntilMs - this.#scheduler.nowMs };
  }
}
