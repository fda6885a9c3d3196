/**
 * The words of the decision core (design: "Words"). Everything here is plain frozen data: profiles make it from
 * raw objects, the core reads it, nobody changes it.
 */

/** Who uses, or wants, a host. Fields that the writer left out are "". */
export interface Consumer {
  readonly apiVersion: string;
  /** Completed with the profile's machine kind where the writer left it out. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Identifies a consumer but for its uid; the index key of holdings, bindings and requests. */
export function consumerKey(consumer: Pick<Consumer, "kind" | "namespace" | "name">): string {
  return `${consumer.kind}/${consumer.namespace}/${consumer.name}`;
}

/** Same namespace, name and kind, and same uid where both sides have one. */
export function sameConsumer(a: Consumer, b: Consumer): boolean {
  return (
    a.name === b.name &&
    a.namespace === b.namespace &&
    a.kind === b.kind &&
    (a.uid === "" || b.uid === "" || a.uid === b.uid)
  );
}

/** What an inspection found; null where the report is silent. */
export interface Hardware {
  readonly cpuCores: number | null;
  readonly memoryGB: number | null;
  readonly diskGB: number | null;
}

/** A host as the core sees it. */
export interface Host {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly consumer: Consumer | null;
  /** Why its own status says that it can't be claimed now ("state is Error"); "" when it can. */
  readonly unavailable: string;
  readonly deleting: boolean;
  /** Metal3 node reuse: only machines of this cluster may claim it. */
  readonly reservedFor: { readonly namespace: string; readonly name: string } | null;
  /** null: not inspected; it may fit, but a known fit is preferred. */
  readonly hardware: Hardware | null;
}

/**
 * One matchExpressions entry of a label selector. "AbsentOrIn" is written by profiles, not by people: a host with the
 * label is kept for those who name its value, and they take it before any other.
 */
export interface LabelExpression {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "AbsentOrIn";
  readonly values: readonly string[];
}

/** What a claim asks of a host. Empty everywhere: any host of its pool. */
export interface Requirements {
  /** Label keys that must exist. Sorted, unique. */
  readonly requiredTags: readonly string[];
  /** Label keys that should exist; more of them present is better. Sorted, unique. */
  readonly preferredTags: readonly string[];
  readonly requiredLabels: Readonly<Record<string, string>>;
  readonly preferredLabels: Readonly<Record<string, string>>;
  /** Metal3's hostSelector.matchExpressions; its matchLabels go to requiredLabels. */
  readonly expressions: readonly LabelExpression[];
  readonly minCPUCores: number;
  readonly minMemoryGB: number;
  readonly minDiskGB: number;
  /** The cluster of the machine, for hosts that are reserved; "" when unknown. */
  readonly cluster: string;
}

/** A place in the queue: one consumer that waits for a host. */
export interface Claim {
  /** consumerKey of the consumer. At most one claim a consumer waits. */
  readonly id: string;
  readonly consumer: Consumer;
  /** The hosts it competes for: poolKey of its host kind and namespace. */
  readonly pool: string;
  /** uid of the machine, or of the ClaimRequest where there is no machine; breaks ties. */
  readonly uid: string;
  /** creationTimestamp of the machine (or request), milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** Points on top of 100 and age: 50 without tags, plus claims.beskar7.io/priority. Any integer. */
  readonly bonusPoints: number;
  readonly requirements: Requirements;
}

export function poolKey(hostKind: string, namespace: string): string {
  return `${hostKind}/${namespace}`;
}

/** One holdership of the Lease; compared for equality only, since transitions restart when a Lease is recreated. */
export interface Term {
  readonly leaseUid: string;
  readonly leaseTransitions: number;
  /** The full spec.holderIdentity. */
  readonly holderIdentity: string;
}

export function sameTerm(a: Term, b: Term): boolean {
  return (
    a.leaseUid === b.leaseUid &&
    a.leaseTransitions === b.leaseTransitions &&
    a.holderIdentity === b.holderIdentity
  );
}

/** `<lease uid>/<transitions>/<identity>`: the form in annotations and in status.binding.term. */
export function formatTerm(term: Term): string {
  return `${term.leaseUid}/${term.leaseTransitions}/${term.holderIdentity}`;
}

/** undefined when `text` was not written by formatTerm. */
export function parseTerm(text: string): Term | undefined {
  const match = /^([^/]+)\/(\d+)\/(.+)$/.exec(text);
  if (match === null) return undefined;
  return { leaseUid: match[1]!, leaseTransitions: Number(match[2]), holderIdentity: match[3]! };
}

/** status.binding of a ClaimRequest: the one host that its consumer may be getting now. */
export interface Binding {
  readonly hostName: string;
  readonly hostUID: string;
  /** The host's resourceVersion that the one write of this binding has as its precondition. */
  readonly hostResourceVersion: string;
  /** formatTerm of the holder, or "" where it was taken on the optimistic path. */
  readonly term: string;
}
