import { formatTerm } from "../../src/claims/claim.ts";
import { type LeaseRecord, readLease, termOf } from "../../src/leader/lease.ts";
import type { Store } from "../../src/sandbox/store.ts";
import type { Scheduler } from "./scheduler.ts";
import { LEASES } from "./stored.ts";

/** No clock of a simulation runs faster than this against true time. */
export const FASTEST_CLOCK = 1.05;

interface Version {
  readonly fromMs: number;
  /** null: there is no Lease, or nobody holds it. */
  readonly record: LeaseRecord | null;
}

/** The Lease as it really was at each moment, and whether it was ever taken from somebody who still had it. */
export class LeaseHistory {
  readonly #versions: Version[] = [{ fromMs: 0, record: null }];

  constructor(store: Store, scheduler: Scheduler, violated: (sentence: string) => void) {
    store.subscribe(LEASES, ({ type, object }) => {
      const record = type === "DELETED" ? null : readLease(object);
      const held = record === null || record.holderIdentity === "" ? null : record;
      const last = this.#versions.at(-1)!;
      const nowMs = scheduler.nowMs;
      const sinceMs = nowMs - last.fromMs;
      const taken =
        held !== null && last.record !== null && held.holderIdentity !== last.record.holderIdentity;
      if (taken && sinceMs < validMs(last.record!)) {
        violated(
          `${held.holderIdentity} took the Lease ${Math.round(sinceMs)} ms after ${last.record!.holderIdentity} wrote it`,
        );
      }
      this.#versions.push({ fromMs: nowMs, record: held });
    });
  }

  /**
   * The term that anybody who read the Lease at any moment of this time would have found, and would have held valid
   * to its end, whatever his clock; "" when there was none.
   * @param marginMs how much sooner than its end each record must have been renewed
   */
  throughout(fromMs: number, toMs: number, marginMs: number): string {
    let term = "";
    for (const [at, { fromMs: startMs, record }] of this.#versions.entries()) {
      const endMs = this.#versions[at + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
      if (endMs <= fromMs || startMs > toMs) continue;
      if (record === null) return "";
      if (Math.min(endMs, toMs) > startMs + validMs(record) - marginMs) return "";
      const own = formatTerm(termOf(record));
      if (term !== "" && own !== term) return "";
      term = own;
    }
    return term;
  }
}

function validMs({ leaseDurationSeconds }: LeaseRecord): number {
  return (leaseDurationSeconds * 1_000) / FASTEST_CLOCK;
}
