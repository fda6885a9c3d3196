import type { Clock, Timer } from "../../src/clock.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** The date at the beginning of each run. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A timer fires up to this much late. */
const TIMER_LATENESS_MS = 1;

/**
 * What stands still with the process. stopped: nothing (SIGSTOP). suspended: its monotonic clock. paused: both of
 * its clocks, as in a virtual machine that is moved.
 */
export type Freeze = "stopped" | "suspended" | "paused";

/**
 * One process on a machine of its own: a clock that runs a little fast or slow, and a door through which every timer
 * and message has to come. What is abandoned (crashed) gets nothing any more and sends nothing any more.
 */
export class SimProcess implements Clock {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  /** How much faster than true time its clocks run. */
  readonly rate: number;
  #wallOffsetMs: number;
  /** Times during which the monotonic clock stood still, true time. */
  readonly #stillness: { fromMs: number; toMs: number }[] = [];
  #alive = true;
  #frozen = false;
  #backlog: (() => void)[] = [];
  #fuse: { calls: number; burn: () => boolean } | null = null;
  readonly #onCrash = new Set<() => void>();

  constructor(options: { name: string; scheduler: Scheduler; random: Random; rate: number; skewMs: number }) {
    this.name = options.name;
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.rate = options.rate;
    this.#wallOffsetMs = options.skewMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  monotonicMs(): number {
    return this.monotonicAt(this.#scheduler.nowMs);
  }

  /** The monotonic clock at a moment of true time that is past. */
  monotonicAt(trueMs: number): number {
    let runMs = trueMs;
    for (const { fromMs, toMs } of this.#stillness) {
      runMs -= Math.max(0, Math.min(trueMs, toMs) - fromMs);
    }
    return runMs * this.rate;
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.#scheduler.nowMs + this.#wallOffsetMs);
  }

  schedule(afterMs: number, fire: () => void): Timer {
    const dueMs = this.monotonicMs() + Math.max(0, afterMs);
    let cancelled = false;
    let timer: Timer;
    const arm = (ms: number) => {
      timer = this.#scheduler.after(ms / this.rate + this.#random.next() * TIMER_LATENESS_MS, () =>
        this.deliver(() => {
          if (cancelled) return;
          // The clock stood still meanwhile.
          const leftMs = dueMs - this.monotonicMs();
          if (leftMs > 0.001) arm(leftMs);
          else fire();
        }),
      );
    };
    arm(Math.max(0, afterMs));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Something reaches the process; while it is frozen that waits. */
  deliver(fire: () => void): void {
    if (!this.#alive) return;
    // Nothing overtakes what has waited.
    if (this.#frozen || this.#backlog.length > 0) this.#backlog.push(fire);
    else fire();
  }

  /** Asked by the network before each call; false: the process died of it and nothing leaves. */
  mayCall(): boolean {
    if (!this.#alive) return false;
    if (this.#fuse === null || --this.#fuse.calls > 0) return true;
    const { burn } = this.#fuse;
    this.#fuse = null;
    return burn();
  }

  /** At the n-th call from now, `sent`: right after it has left. */
  crashAtCall(calls: number, sent: boolean): void {
    const burn = () => {
      this.crash();
      return sent;
    };
    this.#fuse = { calls, burn };
  }

  /** Right after its n-th call from now has left. */
  freezeAtCall(calls: number, kind: Freeze, forMs: number): void {
    const burn = () => {
      this.freeze(kind, forMs);
      return true;
    };
    this.#fuse = { calls, burn };
  }

  crash(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#backlog = [];
    for (const listener of this.#onCrash) listener();
  }

  onCrash(listener: () => void): void {
    this.#onCrash.add(listener);
  }

  freeze(kind: Freeze, forMs: number): void {
    if (this.#frozen || !this.#alive) return;
    this.#frozen = true;
    const fromMs = this.#scheduler.nowMs;
    if (kind !== "stopped") this.#stillness.push({ fromMs, toMs: fromMs + forMs });
    if (kind === "paused") this.#wallOffsetMs -= forMs;
    this.#scheduler.after(forMs, () => this.#thaw());
  }

  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #thaw(): void {
    this.#frozen = false;
    if (this.#backlog.length > 0) this.#scheduler.after(0, () => this.#catchUp());
  }

  /** Each in a turn of its own, in the order of their coming. */
  #catchUp(): void {
    if (this.#frozen || !this.#alive) return;
    this.#backlog[0]?.();
    this.#backlog.shift();
    if (this.#backlog.length > 0) this.#scheduler.after(0, () => this.#catchUp());
  }
}
