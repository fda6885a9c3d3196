/**
 * Time as this service sees it. Only `systemClock` reads the machine's clocks; everything else is handed a Clock,
 * so that tests and the simulation decide what time it is.
 */
export interface Clock {
  /** Milliseconds since an arbitrary point; never goes back, knows nothing of the date. For every interval. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; may jump. Only for what people or other programs read. */
  wallMs(): number;
  /** Calls `fire` once, `afterMs` from now (at the next turn when 0). */
  schedule(afterMs: number, fire: () => void): Timer;
}

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(afterMs, fire) {
    const handle = setTimeout(fire, afterMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.schedule(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
