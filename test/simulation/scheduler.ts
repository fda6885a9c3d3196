import type { Timer } from "../../src/clock.ts";
import { settled } from "../support/fake-clock.ts";
import type { Random } from "./random.ts";

interface Entry {
  readonly atMs: number;
  /** Among events of one moment the seed decides which comes first. */
  readonly order: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/** Source: measured; a run that needs more in one virtual second goes round in circles. */
const MOST_EVENTS_A_SECOND = 20_000;

/** The only source of time and of order in a simulation: every timer and every message is an event here. */
export class Scheduler {
  #nowMs = 0;
  readonly #heap: Entry[] = [];
  readonly #random: Random;
  #second = 0;
  #inSecond = 0;
  events = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True time, milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, fire: () => void): Timer {
    const entry = {
      atMs: this.#nowMs + Math.max(0, ms),
      order: this.#random.next(),
      fire,
      cancelled: false,
    };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Runs events until that time, or until `done` is true after one of them; whether it was. */
  async runUntil(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    await settled();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#count();
      next.fire();
      await settled();
      if (done()) return true;
    }
    this.#nowMs = untilMs;
    return done();
  }

  #count(): void {
    this.events++;
    const second = Math.floor(this.#nowMs / 1_000);
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1;
    this.#second = second;
    if (this.#inSecond > MOST_EVENTS_A_SECOND) throw new Error(`a busy loop at ${this.#nowMs} ms`);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}
