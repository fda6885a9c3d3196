import { type Claim, consumerKey, formatTerm, sameConsumer } from "../../src/claims/claim.ts";
import { isClaimable } from "../../src/coordinator/facts.ts";
import type { BindResult } from "../../src/coordinator/processor.ts";
import { type LeaseRecord, termOf } from "../../src/leader/lease.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { displaced } from "../claims/reference.ts";
import type { ReplicaMember } from "./cluster.ts";
import type { SimProcess } from "./process.ts";
import { claimOfMachine, claimOfRequest, type Stored } from "./stored.ts";

/** After the second failure in a row a claim is put off for up to 0.5 s, then for twice as long each time. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 60_000;
/** Until it is said on the request that it is put off no longer. */
const TELLING_MS = 5_000;

/** Whether a claim that is let through would cost a higher one its place, by what is stored and the reference. */
export class OrderCheck {
  readonly #stored: Stored;
  /** Bindings of a claim that failed in a row, by process. */
  readonly #failures = new Map<SimProcess, Map<string, { count: number; atMs: number }>>();

  constructor(stored: Stored) {
    this.#stored = stored;
  }

  bindEnded(process: SimProcess, { claim, outcome }: BindResult): void {
    const failures = this.#failures.get(process) ?? new Map<string, { count: number; atMs: number }>();
    this.#failures.set(process, failures);
    const count = (failures.get(claim.id)?.count ?? 0) + 1;
    if (outcome === "bound") failures.delete(claim.id);
    else failures.set(claim.id, { count, atMs: process.monotonicMs() });
  }

  /**
   * What the verdict must take into account, as it is true now, of a replica that can know all of it; `lease` is what
   * it knows. Answers with the id of who would lose a place, or null.
   */
  now(member: ReplicaMember, lease: LeaseRecord | null): (record: DecisionRecord) => string | null {
    const stored = this.#stored;
    // What its own processor is busy with is out of its queue, and what has failed for a while: no replica is believed
    // that a claim has failed without its bindings having done so.
    const elsewhere = new Set<string>();
    const reserved = new Map<string, string>();
    for (const [key, facts] of member.replica.world.consumers()) {
      if (facts.reserved !== null || (facts.suspended && this.#hasFailed(key))) elsewhere.add(key);
      if (facts.reserved !== null) reserved.set(facts.reserved, key);
    }
    // What the leader says that it has put off waits behind those it has not, at every replica.
    const term = lease === null ? "" : formatTerm(termOf(lease));
    for (const request of stored.requests()) {
      const key = consumerKey(request.consumer);
      if (term !== "" && request.heldBackTerm === term && this.#hasFailed(key)) elsewhere.add(key);
    }
    const waiting = stored.waiting(elsewhere);
    const known = [...stored.machines().map(claimOfMachine), ...stored.requests().map(claimOfRequest)];
    const hosts = stored.hosts();
    const named = stored.named();
    return ({ consumer, hostUID }) => {
      const asking: Claim | undefined = known.find(
        (claim) => consumer !== null && sameConsumer(claim.consumer, consumer),
      );
      if (asking === undefined) return null;
      const free = hosts.filter(
        ({ uid, ...host }) =>
          isClaimable({ uid, ...host }) && (uid === hostUID || (!reserved.has(uid) && !named.has(uid))),
      );
      const other = named.get(hostUID) ?? reserved.get(hostUID) ?? asking.id;
      return other === asking.id ? displaced(waiting, free, asking, hostUID) : null;
    };
  }

  #hasFailed(claimId: string): boolean {
    for (const [process, failures] of this.#failures) {
      const failed = failures.get(claimId);
      if (failed === undefined || failed.count < 2) continue;
      const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failed.count - 2), LAST_BACKOFF_MS);
      if (process.monotonicMs() - failed.atMs <= backoffMs + TELLING_MS) return true;
    }
    return false;
  }
}
