/** The verdict table (design section 4). The only place that says yes or no to a write on a host. */
import { type Claim, type Consumer, formatTerm, type Host, type Term } from "./claim.ts";
import type { Rejection } from "./reasons.ts";
import { isOpenTo } from "./requirements.ts";

/** What a write does to a host's consumer; "none": nothing. Profiles classify. */
export type Transition = "claim" | "release" | "steal" | "completion" | "reservation" | "none";

/**
 * Who holds the Lease, as far as it is certain: "no holder" and terms seen for the first time are confirmed by a
 * consistent read before anyone decides, and reads that fail end in LeaseUnknown without coming here.
 */
export type HolderState =
  | { readonly kind: "none" }
  | {
      readonly kind: "valid";
      readonly term: Term;
      /** Another elector's Lease that this service only enforces. */
      readonly foreign: boolean;
    };

/** One write on one host. */
export interface Attempt {
  readonly transition: Transition;
  /** As it was before the write. */
  readonly host: Host;
  /** Who is to have the host; null when nobody. Never null in a claim. */
  readonly consumer: Consumer | null;
  /** The consumer's kind may claim hosts of other namespaces. */
  readonly mayCrossNamespaces: boolean;
  readonly requesterIsHolder: boolean;
  /** formatTerm text that this very write set; null when it set none. Persisted stamps don't count. */
  readonly intentTerm: string | null;
  /** The cluster of the consumer, for hosts that are reserved; absent or "" when unknown, which fits no reservation. */
  readonly cluster?: string;
}

/** What the table asks of the world, all as of one moment. */
export interface ClaimsView {
  readonly holder: HolderState;
  /** Another host than `hostUid` that the consumer holds, or that an unresolved binding of it names. */
  heldElsewhere(
    consumer: Consumer,
    hostUid: string,
  ): { readonly hostName: string; readonly by: "consumerRef" | "binding" } | null;
  /** The claim of higher priority that would be left without a place if `consumer` took `host`. */
  displaced(consumer: Consumer, host: Host): Claim | null;
}

export type Decision =
  | {
      readonly allow: true;
      /** "uninvolved": the rule has nothing to say about this write. */
      readonly mode: "leader" | "optimistic" | "uninvolved";
      /** The consumer's binding must be written before the write may pass. */
      readonly takesBinding: boolean;
    }
  | { readonly allow: false; readonly rejection: Rejection };

const UNINVOLVED: Decision = { allow: true, mode: "uninvolved", takesBinding: false };
const OPTIMISTIC: Decision = { allow: true, mode: "optimistic", takesBinding: true };
const AS_LEADER: Decision = { allow: true, mode: "leader", takesBinding: true };

/**
 * Rows in the design's order; the first that fits is the verdict.
 * @throws TypeError for a claim or steal without a consumer, which no profile classifies so
 */
export function decide(attempt: Attempt, view: ClaimsView): Decision {
  const { transition, host, consumer } = attempt;
  if (transition !== "claim" && transition !== "steal") return UNINVOLVED;
  if (consumer === null) throw new TypeError(`a ${transition} without a consumer`);

  const about = { host: { namespace: host.namespace, name: host.name }, consumer };
  if (transition === "steal") {
    if (host.consumer === null) throw new TypeError("a steal from nobody");
    return deny({ reason: "HostHeld", ...about, heldBy: host.consumer });
  }
  if (isForeign(consumer, host) && !attempt.mayCrossNamespaces) {
    return deny({ reason: "ForeignConsumer", ...about });
  }
  const unavailable = unavailability(host, attempt.cluster ?? "");
  if (unavailable !== null) return deny({ reason: "HostUnavailable", ...about, ...unavailable });

  const held = view.heldElsewhere(consumer, host.uid);
  if (held !== null) {
    return deny({ reason: "ConsumerHoldsHost", ...about, heldHost: held.hostName, by: held.by });
  }

  const { holder } = view;
  if (holder.kind === "none") return OPTIMISTIC;
  if (!attempt.requesterIsHolder) {
    const { holderIdentity } = holder.term;
    return deny({ reason: "Delegated", ...about, holderIdentity, foreign: holder.foreign });
  }
  const { intentTerm } = attempt;
  if (intentTerm !== null && intentTerm !== formatTerm(holder.term)) {
    return deny({ reason: "FencedOut", ...about, term: holder.term, intentTerm });
  }
  const ahead = view.displaced(consumer, host);
  if (ahead !== null) return deny({ reason: "OutOfOrder", ...about, aheadConsumer: ahead.consumer });
  return AS_LEADER;
}

function deny(rejection: Rejection): Decision {
  return { allow: false, rejection };
}

/** A reference without a namespace names none, so it can't name a foreign one. */
function isForeign(consumer: Consumer, host: Host): boolean {
  return consumer.namespace !== "" && consumer.namespace !== host.namespace;
}

function unavailability(host: Host, cluster: string) {
  if (host.deleting) return { cause: "deleting", detail: "", cluster: "" } as const;
  if (host.unavailable !== "") return { cause: "status", detail: host.unavailable, cluster: "" } as const;
  if (!isOpenTo(host, cluster)) {
    const { namespace, name } = host.reservedFor!;
    return { cause: "reserved", detail: "", cluster: `${namespace}/${name}` } as const;
  }
  return null;
}
