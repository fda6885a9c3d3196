import { formatTerm } from "../claims/claim.ts";
import type { HolderState } from "../claims/decide.ts";
import type { Clock } from "../clock.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isNotFound } from "../kube/errors.ts";
import { LEASES } from "../kube/types.ts";
import { LeaseObservation } from "../leader/observation.ts";

export interface HolderOptions {
  api: KubeApi;
  clock: Clock;
  leaseNamespace: string;
  leaseName: string;
  /** A consistent read as old as this still confirms; the elector's retry period. */
  retryPeriodMs: number;
}

/**
 * Who holds the Lease, for the verdict: by how long this process has seen the record unchanged on its own
 * monotonic clock (as client-go judges). Every replica has one, whether it stands for election or not.
 *
 * A mirror that is behind must not open the gate. That nobody holds, or that a term which a writer names is
 * unknown here, counts only after a consistent read of the Lease.
 */
export class Holder {
  readonly #options: HolderOptions;
  /** Shared with this replica's elector, where it has one. */
  readonly observation = new LeaseObservation();
  readonly #listeners = new Set<() => void>();
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<boolean> | null = null;

  constructor(options: HolderOptions) {
    this.#options = options;
  }

  /** Called after each change of the record that was observed; must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A version of the Lease, from the watch or from a call; null when it does not exist (LeaseObservation.observe). */
  note(lease: KubeObject | null, asOf?: string, askedAtMs?: number): void {
    this.observation.observe(lease, this.#options.clock.monotonicMs(), asOf, askedAtMs);
    for (const listener of this.#listeners) listener();
  }

  /** What this process believes now, unconfirmed. */
  state(): HolderState {
    const state = this.observation.holderState(this.#options.clock.monotonicMs());
    if (state.kind === "none") return state;
    // Our electors sign the Lease when they take it; another elector leaves the former signature as it is.
    return {
      kind: "valid",
      term: state.term,
      foreign: this.observation.record?.signedBy !== state.term.holderIdentity,
    };
  }

  /**
   * The state on which a verdict may rest, or "unknown" when the Lease can't be read now. `namedTerm` is what
   * the write itself claims to act under (formatTerm), or null.
   */
  confirmed(namedTerm: string | null, signal: AbortSignal): HolderState | Promise<HolderState | "unknown"> {
    const state = this.state();
    const unknownTerm = namedTerm !== null && state.kind === "valid" && formatTerm(state.term) !== namedTerm;
    if (state.kind === "valid" && !unknownTerm) return state;
    const ageMs = this.#options.clock.monotonicMs() - this.#confirmedAtMs;
    if (!unknownTerm && ageMs <= this.#options.retryPeriodMs) return state;
    return this.#read(signal).then((ok) => (ok ? this.state() : "unknown"));
  }

  /** A read that begins now; false when the Lease can't be read within this time. */
  read(withinMs: number): Promise<boolean> {
    return this.#readOnce(withinMs);
  }

  /** One read serves everybody who waits for one. */
  #read(signal: AbortSignal): Promise<boolean> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null;
    });
    const aborted = new Promise<boolean>((resolve) => {
      if (signal.aborted) resolve(false);
      signal.addEventListener("abort", () => resolve(false), { once: true });
    });
    return Promise.race([this.#reading, aborted]);
  }

  async #readOnce(withinMs = this.#options.retryPeriodMs): Promise<boolean> {
    const { api, clock, leaseName: name, leaseNamespace: namespace } = this.#options;
    const startedAtMs = clock.monotonicMs();
    try {
      this.note(await api.get(LEASES, { namespace, name }, { timeoutMs: withinMs }));
    } catch (error) {
      if (!isNotFound(error)) return false;
      this.note(null, "", startedAtMs);
    }
    this.#confirmedAtMs = startedAtMs;
    return true;
  }
}
