import { KubeError } from "./errors.ts";

const BASE_MS = 200;
/** Trying to reach a server that isn't there costs little, and it must be followed soon after it returns. */
const UNREACHABLE_CAP_MS = 2_000;
const REFUSED_CAP_MS = 10_000;
/** A server that starts asks for 1 or 5 s and needs less; if it is truly overloaded, the doubling helps. */
const RETRY_AFTER_CAP_MS = 500;

/**
 * How long to wait after failures in a row: doubling from 0.2 s, with jitter so that replicas don't march in
 * step. Starts over when the kind of failure changes: a server that answers 503 is nearly back.
 */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #kind = "";

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait before the next attempt, after `error`. */
  afterMs(error: unknown): number {
    const answered = error instanceof KubeError && error.code === "KUBE_STATUS";
    const kind = answered ? "refused" : "unreachable";
    if (kind !== this.#kind) this.#failures = 0;
    this.#kind = kind;
    const capMs = answered ? REFUSED_CAP_MS : UNREACHABLE_CAP_MS;
    const fullMs = Math.min(capMs, BASE_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    const jitteredMs = fullMs * (0.5 + 0.5 * this.#random());
    const askedMs = answered ? Math.min(RETRY_AFTER_CAP_MS, (error.retryAfterSeconds ?? 0) * 1_000) : 0;
    return Math.max(jitteredMs, askedMs);
  }
}
