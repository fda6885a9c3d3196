import type { Clock } from "../clock.ts";

/**
 * Remembers answers for a short while, and asks once where several ask the same at the same time. Bounded: the
 * entry that was made first goes first. A failed question is not remembered.
 */
export class AnswerCache<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { answer: Promise<T>; untilMs: number }>();
  readonly #lifeMs: number;
  readonly #limit: number;

  /** `lifeMs`: how long a right that was taken away may still be used; `limit`: entries, 1 or more. */
  constructor(options: { clock: Clock; lifeMs: number; limit: number }) {
    this.#clock = options.clock;
    this.#lifeMs = options.lifeMs;
    this.#limit = options.limit;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.answer;
    this.#entries.delete(key);
    const answer = ask();
    const entry = { answer, untilMs: nowMs + this.#lifeMs };
    this.#entries.set(key, entry);
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#limit) break;
      this.#entries.delete(oldest);
    }
    answer.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return answer;
  }

  get size(): number {
    return this.#entries.size;
  }
}
