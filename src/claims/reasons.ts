/**
 * Why a claim is not let through: closed codes, their facts, and the only place where they become words
 * (design: "What a rejected client gets").
 */
import type { Consumer, Term } from "./claim.ts";

/** Verdicts of the table in `decide`: they say something about the claim. */
const VERDICTS = [
  "HostHeld",
  "ForeignConsumer",
  "HostUnavailable",
  "ConsumerHoldsHost",
  "FencedOut",
  "OutOfOrder",
  "Delegated",
] as const;

/** This service could not judge, or could not write down its verdict: they say nothing about the claim. */
export const INTERNAL_REASONS = [
  "NotReady",
  "LeaseUnknown",
  "Overloaded",
  "RecordingFailed",
  "BindingConflict",
  "InternalError",
] as const;

/** Every code, in the order in which they are documented; codes are API and are never renamed. */
export const REJECT_REASONS = [...VERDICTS, ...INTERNAL_REASONS] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** The same write may pass a moment later though nothing about claim or host has changed. */
export function isInternal(reason: RejectReason): boolean {
  return (INTERNAL_REASONS as readonly RejectReason[]).includes(reason);
}

interface Facts<R extends RejectReason> {
  readonly reason: R;
  readonly host: { readonly namespace: string; readonly name: string };
  /** Who wanted the host; null where the write could not be read that far. */
  readonly consumer: Consumer | null;
}

/** `detail` is for people who look closer: it may vary between attempts and never enters the message. */
interface InternalFacts<R extends RejectReason> extends Facts<R> {
  readonly detail: string;
}

export interface HostHeld extends Facts<"HostHeld"> {
  readonly heldBy: Consumer;
}
export type ForeignConsumer = Facts<"ForeignConsumer">;
export interface HostUnavailable extends Facts<"HostUnavailable"> {
  readonly cause: "status" | "deleting" | "reserved";
  /** cause "status": the host's own words ("state is Error"); else "". */
  readonly detail: string;
  /** cause "reserved": the cluster it is kept for; else "". */
  readonly cluster: string;
}
export interface ConsumerHoldsHost extends Facts<"ConsumerHoldsHost"> {
  readonly heldHost: string;
  /** "binding": it may be getting that host right now. */
  readonly by: "consumerRef" | "binding";
}
export interface FencedOut extends Facts<"FencedOut"> {
  readonly term: Term;
  /** The term that the write named. */
  readonly intentTerm: string;
}
export interface OutOfOrder extends Facts<"OutOfOrder"> {
  /** The claim of higher priority that would be left without a host. */
  readonly aheadConsumer: Consumer;
}
export interface Delegated extends Facts<"Delegated"> {
  readonly holderIdentity: string;
  /** The Lease belongs to another elector than this service. */
  readonly foreign: boolean;
}

export type Rejection =
  | HostHeld
  | ForeignConsumer
  | HostUnavailable
  | ConsumerHoldsHost
  | FencedOut
  | OutOfOrder
  | Delegated
  | InternalFacts<"NotReady">
  | InternalFacts<"LeaseUnknown">
  | InternalFacts<"Overloaded">
  | InternalFacts<"RecordingFailed">
  | InternalFacts<"BindingConflict">
  | InternalFacts<"InternalError">;

function nameOf(consumer: Consumer): string {
  return `${consumer.kind === "" ? "consumer" : consumer.kind} ${consumer.namespace}/${consumer.name}`;
}

/**
 * One sentence: what happened, who holds or is ahead, what to do. It stays the same, to the byte, while the
 * situation does (no position, no time, no error text): controllers copy it into conditions, and a message that
 * varies wakes them and defeats their backoff.
 */
export function describe(rejection: Rejection): string {
  const host = `host ${rejection.host.namespace}/${rejection.host.name}`;
  const wanted = rejection.consumer === null ? "the claim" : `the claim of ${nameOf(rejection.consumer)}`;
  const again = "nothing was changed, try again";
  switch (rejection.reason) {
    case "HostHeld":
      return `${host} is held by ${nameOf(rejection.heldBy)}; choose another host or wait until its holder releases it`;
    case "ForeignConsumer":
      return `${host} can only be claimed from its own namespace, which ${wanted} is not in; choose a host in the consumer's namespace`;
    case "HostUnavailable":
      if (rejection.cause === "deleting") return `${host} is being deleted; choose another host`;
      if (rejection.cause === "reserved") {
        return `${host} is reserved for machines of cluster ${rejection.cluster}; choose another host`;
      }
      return `${host} is not available: ${rejection.detail}; choose another host or wait until it is available`;
    case "ConsumerHoldsHost":
      if (rejection.by === "binding") {
        return `${wanted} is already getting host ${rejection.heldHost}, so it can't take ${host}; wait until that is settled`;
      }
      return `${wanted} can't take ${host} because its consumer holds host ${rejection.heldHost}; use that one, or release it first`;
    case "FencedOut":
      return `${wanted} on ${host} was decided in a term that is over, the holder is now in another one (${rejection.term.holderIdentity}); decide again in the current term`;
    case "OutOfOrder":
      return `${nameOf(rejection.aheadConsumer)} is ahead and would be left without a host if ${wanted} took ${host}; serve that one first, or choose a host that it can spare`;
    case "Delegated":
      return `${wanted} on ${host} was put into the queue, where ${rejection.holderIdentity} hands out hosts by priority; wait for a host, there is nothing else to do`;
    case "NotReady":
      return `${wanted} on ${host} can't be judged before the coordinator knows all hosts and claims; ${again}`;
    case "LeaseUnknown":
      return `${wanted} on ${host} can't be judged because the coordinator can't read who holds its Lease; ${again}`;
    case "Overloaded":
      return `${wanted} on ${host} was not judged because the coordinator has too many claims to judge at once; ${again}`;
    case "RecordingFailed":
      return `${wanted} on ${host} could not be written to the queue; ${again}`;
    case "BindingConflict":
      return `${wanted} on ${host} met another write for the same consumer; ${again}`;
    case "InternalError":
      return `${wanted} on ${host} could not be judged because of a fault in the coordinator, whose log tells more; ${again}`;
  }
}

/** One entry of metav1.StatusDetails.causes. */
export interface ApiCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What an AdmissionResponse's status carries. There is no retryAfterSeconds, in any case: see design section 11. */
export interface ApiError {
  readonly code: 403 | 409;
  /** metav1.StatusReason */
  readonly reason: "Conflict" | "Forbidden";
  readonly message: string;
  readonly details: { readonly causes: readonly ApiCause[] };
}

/** The verdicts after which clients of the older kind (v0.3.4) try another host at once if they get a 403. */
const SWITCHABLE: readonly RejectReason[] = ["Delegated", "OutOfOrder", "FencedOut", "ConsumerHoldsHost"];

/**
 * `options.code` is `--rejection-code`. Anything but 409 and 403 makes the client library retry inside the request
 * and blocks its worker for seconds, so internal faults are a Conflict too.
 */
export function toApiError(rejection: Rejection, options: { code: 409 | 403 }): ApiError {
  const forbidden =
    rejection.reason === "ForeignConsumer" || (options.code === 403 && SWITCHABLE.includes(rejection.reason));
  const message = describe(rejection);
  return {
    code: forbidden ? 403 : 409,
    reason: forbidden ? "Forbidden" : "Conflict",
    message,
    details: {
      causes: [{ reason: rejection.reason, message, field: "spec.consumerRef" }, ...factCauses(rejection)],
    },
  };
}

/** The facts in a form that programs can read without parsing the sentence. */
function factCauses(rejection: Rejection): ApiCause[] {
  const fact = (reason: string, message: string, field = ""): ApiCause[] =>
    message === "" ? [] : [{ reason, message, field }];
  switch (rejection.reason) {
    case "HostHeld":
      return fact("HeldBy", nameOf(rejection.heldBy), "spec.consumerRef");
    case "ForeignConsumer":
      return [];
    case "HostUnavailable":
      return [
        ...fact("Unavailable", rejection.cause),
        ...fact("Detail", rejection.detail),
        ...fact("ReservedFor", rejection.cluster),
      ];
    case "ConsumerHoldsHost":
      return [...fact("HeldHost", rejection.heldHost), ...fact("HeldThrough", rejection.by)];
    case "FencedOut":
      return [
        ...fact("HolderIdentity", rejection.term.holderIdentity),
        ...fact("NamedTerm", rejection.intentTerm, "metadata.annotations[claims.beskar7.io/term]"),
      ];
    case "OutOfOrder":
      return fact("Ahead", nameOf(rejection.aheadConsumer));
    case "Delegated":
      return [
        ...fact("HolderIdentity", rejection.holderIdentity),
        ...fact("ForeignHolder", rejection.foreign ? "true" : ""),
      ];
    default:
      return fact("Detail", rejection.detail);
  }
}
