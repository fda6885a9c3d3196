import type { Clock, Timer } from "../../src/clock.ts";
import type { CallOptions, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { LeaseApi, LeaseServer } from "./lease-server.ts";

/** stopped: its clocks go on, it runs nothing. suspended: its monotonic clock stands still too. */
export type Freeze = "stopped" | "suspended";

/** A machine of its own: its clock runs at its own rate, and it can be frozen. */
export class ReplicaClock implements Clock {
  readonly #world: Clock;
  readonly #rate: number;
  #sinceMs: number;
  #countedMs = 0;
  #frozen: Freeze | undefined;
  #held: (() => void)[] = [];

  constructor(world: Clock, rate: number) {
    this.#world = world;
    this.#rate = rate;
    this.#sinceMs = world.monotonicMs();
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  monotonicMs(): number {
    if (this.#frozen === "suspended") return this.#countedMs;
    return this.#countedMs + (this.#world.monotonicMs() - this.#sinceMs) * this.#rate;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  schedule(afterMs: number, fire: () => void): Timer {
    const dueMs = this.monotonicMs() + afterMs;
    let cancelled = false;
    const attempt = () => {
      if (cancelled) return;
      if (this.#frozen !== undefined) {
        this.#held.push(attempt);
        return;
      }
      const leftMs = dueMs - this.monotonicMs();
      if (leftMs <= 0) fire();
      // Never so little that rounding keeps the world's time where it is.
      else this.#world.schedule(Math.max(leftMs / this.#rate, 0.001), attempt);
    };
    this.#world.schedule(afterMs / this.#rate, attempt);
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }

  freeze(how: Freeze): void {
    if (this.#frozen !== undefined) return;
    this.#countedMs = this.monotonicMs();
    this.#sinceMs = this.#world.monotonicMs();
    this.#frozen = how;
  }

  thaw(): void {
    if (this.#frozen === "suspended") this.#sinceMs = this.#world.monotonicMs();
    this.#frozen = undefined;
    const held = this.#held;
    this.#held = [];
    for (const attempt of held) attempt();
  }
}

/** What the network does to one call; the delays are the world's. */
export interface Passage {
  readonly thereMs: number;
  readonly backMs: number;
  readonly lost: "request" | "answer" | "nothing";
}

/** The API server seen through a bad network: calls are late or lost, and land even when nobody waits any more. */
export function distantApi(
  server: LeaseServer,
  world: Clock,
  clock: ReplicaClock,
  passage: () => Passage,
): LeaseApi {
  function call(options: CallOptions | undefined, run: () => KubeObject): Promise<KubeObject> {
    return new Promise((resolve, reject) => {
      const { thereMs, backMs, lost } = passage();
      const timeout = clock.schedule(options?.timeoutMs ?? 10_000, () =>
        reject(new KubeError("KUBE_TIMEOUT", "no answer")),
      );
      options?.signal?.addEventListener("abort", () => reject(new KubeError("KUBE_ABORTED", "aborted")), {
        once: true,
      });
      const deliver = (settle: () => void) => {
        if (lost === "answer") return;
        world.schedule(backMs, () =>
          clock.schedule(0, () => {
            timeout.cancel();
            settle();
          }),
        );
      };
      if (lost === "request") return;
      world.schedule(thereMs, () => {
        try {
          const answer = run();
          deliver(() => resolve(answer));
        } catch (error) {
          deliver(() => reject(error));
        }
      });
    });
  }
  return {
    get: (_type, _key, options) => call(options, () => server.get()),
    create: (_type, lease, options) => call(options, () => server.create(lease)),
    update: (_type, lease, options) => call(options, () => server.update(lease)),
  };
}
