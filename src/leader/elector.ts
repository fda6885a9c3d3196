import assert from "node:assert/strict";
import { sameTerm, type Term } from "../claims/claim.ts";
import { type Clock, sleep } from "../clock.ts";
import type { CallOptions, KubeApi, KubeObject } from "../kube/api.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import { LEASES } from "../kube/types.ts";
import type { Log } from "../log.ts";
import {
  type Candidate,
  createdLease,
  readLease,
  releasedLease,
  renewedLease,
  takenLease,
  termOf,
} from "./lease.ts";
import { LeaseObservation } from "./observation.ts";
import { Wakeup } from "./wakeup.ts";

export interface ElectorOptions {
  api: Pick<KubeApi, "get" | "create" | "update">;
  clock: Clock;
  log: Log;
  /** Numbers from 0 to 1. */
  random: () => number;
  /** Of the Lease. */
  namespace: string;
  name: string;
  /** spec.holderIdentity when this replica holds the Lease; unique among all that may ever write it. */
  identity: string;
  /** How long others wait, seeing no renewal, before they take the Lease; > renewDeadlineMs. */
  leaseDurationMs: number;
  /** How long a term lasts after the last renewal that succeeded, counted from its start; > 1.2 x retryPeriodMs. */
  renewDeadlineMs: number;
  /** Between renewals, and (with up to 1.2 times as much added at random) between attempts to take the Lease. */
  retryPeriodMs: number;
  /** Shared with whoever enforces the holder; default: one of its own. */
  observation?: LeaseObservation;
  onStartedLeading(term: Term): void;
  /** The term is over already. The Lease is given up only when the promise settles, or the term would have ended. */
  onStoppedLeading(): void | Promise<void>;
  /** Another identity, our own too, was seen to hold the Lease. */
  onNewLeader?(identity: string): void;
  /** Why this replica must not stand now; null: it may. Asked before each attempt, not while it leads. */
  mayStand?(): string | null;
}

/** client-go's: retries are spread over 1 to 2.2 retry periods. */
const JITTER_FACTOR = 1.2;
/** Attempts to write on top of changes that others made to our own Lease (labels, annotations). */
const MAX_REWRITES = 3;

/** What we hold while leading. */
interface Leadership {
  readonly term: Term;
  /** As the server answered last: the next write builds on it, with its resourceVersion as the precondition. */
  lease: KubeObject;
  /** Both clocks at the start of the last write that succeeded. */
  renewedAtMs: number;
  renewedAtWallMs: number;
  /** A newer record was seen that isn't ours. */
  contradicted: boolean;
}

/**
 * Stands for election through a Lease, again and again until it is told to stop; interchangeable with client-go's
 * elector. Safe as long as no two machines' clocks run apart faster than leaseDuration : renewDeadline.
 */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #candidate: Candidate;
  readonly #log: Log;
  /** Half the renew deadline: one hung call must not cost the Lease. */
  readonly #callTimeoutMs: number;
  readonly observation: LeaseObservation;
  #leading: Leadership | undefined;
  #reportedLeader = "";
  #reportedObstacle: string | null = null;
  #resignation: string | undefined;
  #standsFromMs = Number.NEGATIVE_INFINITY;
  readonly #wakeup: Wakeup;

  /** Asserts the relations between the durations; their validation for users is the configuration's. */
  constructor(options: ElectorOptions) {
    const { identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
    assert(identity !== "", "an identity");
    assert(retryPeriodMs > 0, "retryPeriodMs > 0");
    assert(renewDeadlineMs > JITTER_FACTOR * retryPeriodMs, "renewDeadlineMs > 1.2 x retryPeriodMs");
    assert(leaseDurationMs > renewDeadlineMs, "leaseDurationMs > renewDeadlineMs");
    this.#options = options;
    this.#candidate = options;
    this.#wakeup = new Wakeup(options.clock);
    this.#callTimeoutMs = renewDeadlineMs / 2;
    this.#log = options.log.child({ identity, namespace: options.namespace, lease: options.name });
    this.observation = options.observation ?? new LeaseObservation();
  }

  /**
   * The current term, while it certainly holds; null otherwise. Ask right before each write. Wall time counts
   * too, since monotonic time stands still in a suspended machine.
   */
  termHolds(): Term | null {
    const leading = this.#leading;
    if (leading === undefined || leading.contradicted) return null;
    const { clock, renewDeadlineMs } = this.#options;
    if (clock.monotonicMs() - leading.renewedAtMs >= renewDeadlineMs) return null;
    if (clock.wallMs() - leading.renewedAtWallMs >= renewDeadlineMs) return null;
    return leading.term;
  }

  isLeader(): boolean {
    return this.termHolds() !== null;
  }

  /**
   * A watch saw the Lease change; null: it was deleted, `asOf` being the resourceVersion of that. A Lease that
   * nobody holds is tried for at once.
   */
  noteLease(lease: KubeObject | null, asOf?: string): void {
    this.#observe(lease, asOf);
    this.noteObservation();
  }

  /** The same, when somebody else has told the observation that is shared with him: no write may follow. */
  noteObservation(): void {
    this.#report();
    const { record } = this.observation;
    if (this.#leading !== undefined) {
      if (this.#isContradicted(this.#leading)) this.#wakeup.ring();
    } else if (record === undefined || record.holderIdentity === "") {
      this.#wakeup.ring();
    }
  }

  /** Compares with what was seen last. */
  #isContradicted(leading: Leadership): boolean {
    const { record } = this.observation;
    leading.contradicted = record === undefined || !sameTerm(termOf(record), leading.term);
    return leading.contradicted;
  }

  /** Gives the Lease up, if this replica has it, and stands again after one lease duration at the soonest. */
  resign(reason: string): void {
    if (this.#leading === undefined) return;
    this.#resignation = reason;
    this.#wakeup.ring();
  }

  /** Stands and leads until `signal` is aborted; then stops leading, gives the Lease up, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#tryToLead(signal);
      if (this.#leading !== undefined) await this.#lead(this.#leading, signal);
      else await this.#wakeup.wait(waitMs, signal);
    }
  }

  /** One attempt to take the Lease. Gives the milliseconds to wait before the next. */
  async #tryToLead(signal: AbortSignal): Promise<number> {
    const { clock, random, retryPeriodMs } = this.#options;
    const retryMs = retryPeriodMs * (1 + JITTER_FACTOR * random());
    this.#wakeup.forget();
    const backMs = this.#standsFromMs - clock.monotonicMs();
    if (backMs > 0) return backMs;
    if (this.#obstacle() !== null) return retryMs;
    try {
      const lease = await this.#read({ signal });
      const holder = this.observation.holderState(clock.monotonicMs());
      if (holder.kind === "valid" && holder.term.holderIdentity !== this.#candidate.identity) {
        // Not sooner than it expires, and then within a fraction of the retry period, not all at once.
        const expiryMs = holder.expiresAtMs - clock.monotonicMs() + (retryPeriodMs / 4) * random();
        return Math.min(retryMs, expiryMs);
      }
      await this.#take(lease, signal);
      return 0;
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ err: error }, "Attempt to take the Lease failed");
      return retryMs;
    }
  }

  async #take(lease: KubeObject | null, signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    const renewedAtMs = clock.monotonicMs();
    const renewedAtWallMs = clock.wallMs();
    const call = { signal, timeoutMs: this.#callTimeoutMs };
    const taken =
      lease === null
        ? await api.create(LEASES, createdLease(this.#candidate, renewedAtWallMs), call)
        : await api.update(LEASES, takenLease(lease, this.#candidate, renewedAtWallMs), call);
    const term = termOf(readLease(taken));
    this.#leading = { term, lease: taken, renewedAtMs, renewedAtWallMs, contradicted: false };
    this.#observe(taken);
    if (this.#isContradicted(this.#leading)) this.#wakeup.ring();
  }

  async #lead(leading: Leadership, signal: AbortSignal): Promise<void> {
    this.#log.info({ term: leading.term }, "Became leader for claim coordination");
    this.#resignation = undefined;
    this.#options.onStartedLeading(leading.term);
    let lossReason: string | undefined;
    while (lossReason === undefined) {
      await this.#wakeup.wait(Math.min(this.#options.retryPeriodMs, this.#remainingMs(leading)), signal);
      if (signal.aborted || this.#resignation !== undefined) break;
      lossReason = await this.#renew(leading, signal);
    }
    const remainingMs = this.#remainingMs(leading);
    this.#leading = undefined;
    const reason = lossReason ?? this.#resignation ?? "shutdown";
    this.#log.info({ term: leading.term, reason }, "Lost leadership for claim coordination");
    await this.#stopped(remainingMs);
    if (lossReason !== undefined) return;
    if (!signal.aborted)
      this.#standsFromMs = this.#options.clock.monotonicMs() + this.#options.leaseDurationMs;
    await this.#release(leading);
  }

  /** One renewal. Gives the reason when the term is over; undefined when it goes on (renewed, or yet to be). */
  async #renew(leading: Leadership, signal: AbortSignal): Promise<string | undefined> {
    const { api, clock } = this.#options;
    this.#wakeup.forget();
    for (let rewrites = 0; rewrites < MAX_REWRITES; rewrites++) {
      const remainingMs = this.#remainingMs(leading);
      if (remainingMs <= 0) return "not renewed in time";
      const call = { signal, timeoutMs: Math.min(this.#callTimeoutMs, remainingMs) };
      const startedAtMs = clock.monotonicMs();
      const startedAtWallMs = clock.wallMs();
      try {
        leading.lease = await api.update(
          LEASES,
          renewedLease(leading.lease, this.#candidate, startedAtWallMs),
          call,
        );
        leading.renewedAtMs = startedAtMs;
        leading.renewedAtWallMs = startedAtWallMs;
        this.#observe(leading.lease);
        // The answer may be later than what a watch has told since: then a read decides.
        if (!this.#isContradicted(leading)) return undefined;
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#log.warn({ err: error }, "Renewal of the Lease failed");
        if (!isConflict(error) && !isNotFound(error)) return undefined;
      }
      try {
        const lease = await this.#read(call);
        if (lease === null) return "the Lease was deleted";
        if (!sameTerm(termOf(readLease(lease)), leading.term)) return "the Lease was taken over";
        leading.lease = lease;
      } catch (error) {
        if (!signal.aborted) this.#log.warn({ err: error }, "The Lease could not be read");
        return undefined;
      }
    }
    return undefined;
  }

  /** Only if it is still ours; others learn of it at once and needn't wait for it to expire. */
  async #release(leading: Leadership): Promise<void> {
    const { api, clock } = this.#options;
    let lease: KubeObject | null = leading.lease;
    try {
      for (let rewrites = 0; rewrites < MAX_REWRITES; rewrites++) {
        if (lease === null || !sameTerm(termOf(readLease(lease)), leading.term)) return;
        try {
          const call = { timeoutMs: this.#callTimeoutMs };
          this.#observe(await api.update(LEASES, releasedLease(lease, clock.wallMs()), call));
          this.#log.info({ term: leading.term }, "Released the Lease");
          return;
        } catch (error) {
          if (!isConflict(error)) throw error;
          lease = await this.#read({});
        }
      }
    } catch (error) {
      this.#log.warn({ err: error }, "The Lease was not released; it will expire");
    }
  }

  async #read(call: CallOptions): Promise<KubeObject | null> {
    const { api, namespace, name } = this.#options;
    const askedAtMs = this.#options.clock.monotonicMs();
    let lease: KubeObject | null;
    try {
      lease = await api.get(LEASES, { namespace, name }, { timeoutMs: this.#callTimeoutMs, ...call });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      lease = null;
    }
    this.#observe(lease, "", askedAtMs);
    return lease;
  }

  #observe(lease: KubeObject | null, asOf?: string, askedAtMs?: number): void {
    this.observation.observe(lease, this.#options.clock.monotonicMs(), asOf, askedAtMs);
    this.#report();
  }

  #report(): void {
    const leader = this.observation.record?.holderIdentity ?? "";
    if (leader === this.#reportedLeader) return;
    this.#reportedLeader = leader;
    if (leader === "") return;
    this.#log.info({ leader }, "New leader elected for claim coordination");
    this.#options.onNewLeader?.(leader);
  }

  #obstacle(): string | null {
    const obstacle = this.#options.mayStand?.() ?? null;
    if (obstacle !== this.#reportedObstacle) {
      this.#reportedObstacle = obstacle;
      if (obstacle === null) this.#log.info({}, "Standing for election");
      else this.#log.info({ reason: obstacle }, "Not standing for election");
    }
    return obstacle;
  }

  #remainingMs(leading: Leadership): number {
    return leading.renewedAtMs + this.#options.renewDeadlineMs - this.#options.clock.monotonicMs();
  }

  /** What runs under the term gets the rest of it to come to an end, never more. */
  async #stopped(remainingMs: number): Promise<void> {
    const limit = new AbortController();
    (async () => this.#options.onStoppedLeading())()
      .catch((error) => this.#log.error({ err: error }, "Stopping what ran under the term failed"))
      .finally(() => limit.abort());
    if (remainingMs > 0) await sleep(this.#options.clock, remainingMs, limit.signal).catch(() => {});
  }
}
