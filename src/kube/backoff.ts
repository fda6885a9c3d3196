import { KubeError } from "./errors.ts";

const BASE_MS = 200;

/**
 * Longest waits. Trying to reach a server that isn't there costs little, and it must be followed soon after it
 * returns. One that is busy with its start or its load says so by Retry-After: 1 s while it fills its caches, which
 * often takes less. Only refusals that nobody expects to pass soon (missing rights, errors) are left alone.
 */
const CAPS_MS = { unreachable: 2_000, busy: 1_000, refused: 10_000 } as const;

/**
 * How long to wait after failures in a row: doubling from 0.2 s, with jitter so that replicas don't march in
 * step. Starts over when the kind of failure changes: a server that answers at all is nearly back.
 */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #kind: keyof typeof CAPS_MS | undefined;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait before the next attempt, after `error`. */
  afterMs(error: unknown): number {
    const kind = kindOf(error);
    if (kind !== this.#kind) this.#failures = 0;
    this.#kind = kind;
    const fullMs = Math.min(CAPS_MS[kind], BASE_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return fullMs * (0.5 + 0.5 * this.#random());
  }
}

function kindOf(error: unknown): keyof typeof CAPS_MS {
  if (!(error instanceof KubeError) || error.code !== "KUBE_STATUS") return "unreachable";
  return error.retryAfterSeconds === undefined ? "refused" : "busy";
}
