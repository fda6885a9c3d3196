import {
  type Binding,
  type Claim,
  type Consumer,
  type Host,
  poolKey,
  sameConsumer,
} from "../claims/claim.ts";
import { bonus } from "../claims/priority.ts";
import type { Machine } from "../hosts/profile.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";

/** All that is known of one consumer key. Its objects may be of different uids while one replaces another. */
export interface ConsumerFacts {
  readonly key: string;
  readonly kind: string;
  machine: Machine | null;
  request: ClaimRequest | null;
  /** Hosts whose consumerRef names this key, by uid. */
  readonly hosts: Map<string, Host>;
  /** The host uid that the processor of this replica is binding it to. */
  reserved: string | null;
  /** Its binding keeps failing: out of the queue until its backoff ends. */
  suspended: boolean;
  /** When a foreign holder last tried it, on the monotonic clock. */
  holderAttemptMs: number | null;
}

export function emptyFacts(key: string, kind: string): ConsumerFacts {
  return {
    key,
    kind,
    machine: null,
    request: null,
    hosts: new Map(),
    reserved: null,
    suspended: false,
    holderAttemptMs: null,
  };
}

export function isEmpty(facts: ConsumerFacts): boolean {
  return (
    facts.machine === null &&
    facts.request === null &&
    facts.hosts.size === 0 &&
    facts.reserved === null &&
    facts.holderAttemptMs === null
  );
}

/** The binding that may still turn into a holding; a Bound one has, and is judged by the host itself. */
export function unresolvedBinding(request: ClaimRequest): Binding | null {
  return request.phase === "Binding" ? request.binding : null;
}

export function isHeldBy(host: Host, consumer: Consumer): boolean {
  return host.consumer !== null && sameConsumer(host.consumer, consumer);
}

/** Whether the host could be claimed now as far as it says itself. */
export function isClaimable(host: Host): boolean {
  return host.consumer === null && host.unavailable === "" && !host.deleting;
}

/** Who the facts are about: the machine that exists, else the consumer that the request names. */
export function consumerOf(facts: ConsumerFacts): Consumer | null {
  const { machine, request } = facts;
  if (machine === null) return request?.consumer ?? null;
  const asRequested = request === null ? null : currentRequest(facts)?.consumer;
  const { kind, namespace, name, uid } = machine;
  return { apiVersion: asRequested?.apiVersion || machine.apiVersion, kind, namespace, name, uid };
}

/** The request, unless it was made for an earlier object of the same name. */
export function currentRequest(facts: ConsumerFacts): ClaimRequest | null {
  const { machine, request } = facts;
  if (request === null || machine === null) return request;
  return request.consumer.uid === "" || request.consumer.uid === machine.uid ? request : null;
}

/** The claim of this consumer whether it waits or not; null when nothing but holdings is known. */
export function claimOfFacts(facts: ConsumerFacts, hostKindOfMachines: string | undefined): Claim | null {
  const { machine } = facts;
  const request = currentRequest(facts);
  const consumer = consumerOf(facts);
  if (consumer === null) return null;
  if (machine !== null) {
    const hostKind = request?.hostKind ?? hostKindOfMachines ?? "";
    return {
      id: facts.key,
      consumer,
      pool: poolKey(hostKind, request?.hostNamespace ?? machine.namespace),
      uid: machine.uid,
      createdAtMs: machine.createdAtMs,
      bonusPoints: machine.bonusPoints,
      requirements: machine.requirements,
    };
  }
  if (request === null) return null;
  return {
    id: facts.key,
    consumer,
    pool: poolKey(request.hostKind, request.hostNamespace),
    uid: request.uid,
    createdAtMs: request.createdAtMs,
    bonusPoints: bonus(request.requirements, request.priority),
    requirements: request.requirements,
  };
}

export interface DemandRules {
  /** The kind's machines are all known, so that one that is not there does not exist. */
  machinesKnown: boolean;
  hostKindOfMachines: string | undefined;
  /** formatTerm of the holder, where that is another replica; null otherwise. */
  termOfAnother: string | null;
  /** null, or since when an attempt of the foreign holder counts (monotonic clock). */
  foreignSinceMs: number | null;
}

/**
 * The claim that waits, or why none does. A claim whose machine is gone, deleting, paused, already bound or
 * failing is none: nobody may wait behind a ghost.
 */
export function demandOf(
  facts: ConsumerFacts,
  rules: DemandRules,
): { waits: true; claim: Claim } | { waits: false; why: string } {
  const { machine } = facts;
  const request = currentRequest(facts);
  const no = (why: string) => ({ waits: false, why }) as const;
  const claim = claimOfFacts(facts, rules.hostKindOfMachines);
  if (claim === null) return no("it has neither a machine nor a request");
  if (machine === null && rules.machinesKnown) return no("its machine does not exist");
  if (machine?.deleting) return no("its machine is being deleted");
  if (machine?.paused) return no("its machine is paused");
  for (const host of facts.hosts.values()) {
    if (isHeldBy(host, claim.consumer)) return no(`it holds host ${host.name}`);
  }
  if (facts.reserved !== null) return no("it is being bound");
  if (request !== null && unresolvedBinding(request) !== null) return no("its binding is not resolved yet");
  if (facts.suspended) return no("its last binding failed and is retried later");
  if (request !== null && rules.termOfAnother !== null && request.heldBackTerm === rules.termOfAnother) {
    return no("its bindings failed, and the leader tries it again later");
  }
  const asked =
    request !== null &&
    !request.deleting &&
    request.phase === "Pending" &&
    !(request.byMachine && machine !== null);
  if (!asked && !machine?.waits) return no("it does not ask for a host");
  if (rules.foreignSinceMs !== null && (facts.holderAttemptMs ?? -Infinity) < rules.foreignSinceMs) {
    return no("the holder, which is none of our replicas, has not tried it lately");
  }
  return { waits: true, claim };
}
