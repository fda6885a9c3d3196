import { formatTerm } from "../claims/claim.ts";
import type { HolderState } from "../claims/decide.ts";
import type { LeaseRecord } from "../leader/lease.ts";

/** Enough to see whether leadership is stable; one that moves every few seconds fills it in minutes. */
const EVENTS_KEPT = 20;

/** Who holds the Lease, as this replica knows. */
export interface LeaderView {
  /** ours: a replica of this service. foreign: another elector's Lease that is only enforced. none: nobody. */
  readonly state: "ours" | "foreign" | "none";
  /** spec.holderIdentity; null when nobody holds. */
  readonly identity: string | null;
  /** formatTerm; null when nobody holds. */
  readonly term: string | null;
  /** Since when, as the Lease says; null when nobody holds or it does not say. */
  readonly since: string | null;
  /** Of the Lease that is there now: recreating it begins anew. null without a Lease. */
  readonly transitions: number | null;
}

export interface LeaderEvent {
  readonly at: string;
  readonly event: "started_leading" | "stopped_leading" | "new_leader";
  readonly identity: string;
}

export function viewLeader(state: HolderState, record: LeaseRecord | undefined): LeaderView {
  const transitions = record?.leaseTransitions ?? null;
  if (state.kind === "none") return { state: "none", identity: null, term: null, since: null, transitions };
  const acquiredMs = Date.parse(record?.acquireTime ?? "");
  return {
    state: state.foreign ? "foreign" : "ours",
    identity: state.term.holderIdentity,
    term: formatTerm(state.term),
    since: Number.isNaN(acquiredMs) ? null : new Date(acquiredMs).toISOString(),
    transitions,
  };
}

/** What this replica has seen of elections since it started, the last few. */
export class RecentLeaders {
  /** The last first. */
  readonly #events: LeaderEvent[] = [];

  note(event: LeaderEvent["event"], identity: string, atMs: number): void {
    this.#events.unshift({ at: new Date(atMs).toISOString(), event, identity });
    this.#events.length = Math.min(this.#events.length, EVENTS_KEPT);
  }

  list(): readonly LeaderEvent[] {
    return this.#events;
  }
}
