import type { Clock, Timer } from "../clock.ts";

export interface WorkQueueOptions {
  clock: Clock;
  /** 0 <= random() < 1; spreads retries. */
  random: () => number;
  /** Keys worked on at the same time. */
  parallelism: number;
  /** Works on one key; a number asks for the same key again after that many milliseconds. */
  reconcile(key: string, signal: AbortSignal): Promise<number | undefined>;
  /** A reconcile that rejected; its key is retried with backoff. */
  onError(key: string, error: unknown): void;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

/**
 * Level-triggered work by key, as client-go's workqueue: a key added while it is waiting is there once; one added
 * while it is being worked on is worked on again afterwards, never twice at the same time.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { atMs: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();
  #signal: AbortSignal | null = null;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait, are worked on or are to be retried. */
  get size(): number {
    return this.#ready.size + this.#active.size + this.#later.size;
  }

  /** Starts working; once aborted, nothing more is started and timers are gone. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#pump();
  }

  add(key: string): void {
    this.#forgetTimer(key);
    if (this.#active.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#pump();
  }

  /** Adds the key in `afterMs`; an earlier appointment of the same key stays. */
  addAfter(key: string, afterMs: number): void {
    const atMs = this.#options.clock.monotonicMs() + afterMs;
    const known = this.#later.get(key);
    if (this.#ready.has(key) || (known !== undefined && known.atMs <= atMs)) return;
    this.#forgetTimer(key);
    this.#later.set(key, { atMs, timer: this.#options.clock.schedule(afterMs, () => this.add(key)) });
  }

  #forgetTimer(key: string): void {
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
  }

  #stop(): void {
    for (const key of [...this.#later.keys()]) this.#forgetTimer(key);
    this.#ready.clear();
    this.#again.clear();
  }

  #pump(): void {
    const signal = this.#signal;
    if (signal === null || signal.aborted) return;
    for (const key of this.#ready) {
      if (this.#active.size >= this.#options.parallelism) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#work(key, signal);
    }
  }

  async #work(key: string, signal: AbortSignal): Promise<void> {
    let againAfterMs: number | undefined;
    try {
      againAfterMs = await this.#options.reconcile(key, signal);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const ceilingMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
      againAfterMs = ceilingMs * (0.5 + this.#options.random() / 2);
      if (!signal.aborted) this.#options.onError(key, error);
    }
    this.#active.delete(key);
    if (signal.aborted) return;
    if (this.#again.delete(key)) this.#ready.add(key);
    else if (againAfterMs !== undefined) this.addAfter(key, againAfterMs);
    this.#pump();
  }
}
