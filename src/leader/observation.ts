import type { Term } from "../claims/claim.ts";
import type { KubeObject } from "../kube/api.ts";
import { isOlder } from "../kube/resource-version.ts";
import { type LeaseRecord, readLease, termOf } from "./lease.ts";

export type HolderState =
  | { readonly kind: "none" }
  | {
      readonly kind: "valid";
      readonly term: Term;
      /** On the monotonic clock that `observe` was given. */
      readonly expiresAtMs: number;
    };

const NONE: HolderState = { kind: "none" };

/**
 * Who holds a Lease, judged as client-go does: not by the times that are written in it, which come from other
 * machines' clocks, but by how long this process has seen the record unchanged. A record of unknown age counts
 * for a whole lease duration from first sight. The duration is the record's own.
 */
export class LeaseObservation {
  #record: LeaseRecord | undefined;
  #state: HolderState = NONE;
  #newestVersion = "";
  #observedAtMs = Number.NEGATIVE_INFINITY;
  /** Answers that are still under way may be this late. */
  #settledAtMs = 0;
  #seen = false;

  /** Whether anything was observed; until then "none" means nothing. */
  get seen(): boolean {
    return this.#seen;
  }

  /** The record seen last, valid or not; undefined where there is no Lease. */
  get record(): LeaseRecord | undefined {
    return this.#record;
  }

  /**
   * The Lease was read, or a watch told of it; null: it does not exist. Answers and events may arrive out of
   * order: what is older than what was seen is ignored.
   * @param asOf the resourceVersion at which this was so, where it is known: of a list, or of the deletion
   * @param askedAtMs with null, where `asOf` is not known: when the read began. What was seen since may be newer.
   */
  observe(lease: KubeObject | null, monotonicMs: number, asOf = "", askedAtMs = monotonicMs): void {
    const record = lease === null ? undefined : readLease(lease);
    const own = record?.resourceVersion ?? "";
    const version = own === "" || isOlder(own, asOf) ? asOf : own;
    if (version === "" && askedAtMs < this.#observedAtMs) return;
    // A lease duration after the last change even an older version is news: the server was restored from a backup.
    if (monotonicMs < this.#settledAtMs && isOlder(version, this.#newestVersion)) return;
    this.#seen = true;
    this.#observedAtMs = monotonicMs;
    if (version !== "") this.#newestVersion = version;
    const unchanged = record !== undefined && this.#record !== undefined && sameRecord(record, this.#record);
    const durations = [this.#record, record].map((each) => each?.leaseDurationSeconds ?? 0);
    this.#record = record;
    if (unchanged) return;
    this.#state = stateOf(record, monotonicMs);
    // A released record has one of a second only, which says nothing of how late the former holder's may be.
    this.#settledAtMs = monotonicMs + Math.max(...durations) * 1_000;
  }

  holderState(nowMs: number): HolderState {
    return this.#state.kind === "valid" && nowMs < this.#state.expiresAtMs ? this.#state : NONE;
  }
}

function stateOf(record: LeaseRecord | undefined, seenAtMs: number): HolderState {
  if (record === undefined || record.holderIdentity === "") return NONE;
  const expiresAtMs = seenAtMs + record.leaseDurationSeconds * 1_000;
  return { kind: "valid", term: termOf(record), expiresAtMs };
}

/** Changes that are no sign of life of the holder (labels, annotations) don't count. */
function sameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.uid === b.uid &&
    a.holderIdentity === b.holderIdentity &&
    a.leaseDurationSeconds === b.leaseDurationSeconds &&
    a.leaseTransitions === b.leaseTransitions &&
    a.acquireTime === b.acquireTime &&
    a.renewTime === b.renewTime
  );
}
