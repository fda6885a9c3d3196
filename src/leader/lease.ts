import type { Term } from "../claims/claim.ts";
import type { KubeObject } from "../kube/api.ts";

/**
 * On the Lease: the holderIdentity that one of our electors wrote with it. Another elector that takes the Lease
 * over leaves it as it was, and so is known as none of ours.
 */
export const HOLDER_ANNOTATION = "claims.beskar7.io/holder";

/** spec of a coordination.k8s.io/v1 Lease, with Go's defaults where the writer left something out. */
export interface LeaseRecord {
  readonly uid: string;
  readonly resourceVersion: string;
  /** "": nobody holds it. */
  readonly holderIdentity: string;
  /** Whole seconds; 0 where absent: a record that is never valid. */
  readonly leaseDurationSeconds: number;
  readonly leaseTransitions: number;
  /** As written; only compared. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** Which of our electors took it last; equal to holderIdentity unless another elector took it since. */
  readonly signedBy: string;
}

export function readLease(lease: KubeObject): LeaseRecord {
  const spec = specOf(lease);
  return {
    uid: lease.metadata.uid ?? "",
    resourceVersion: lease.metadata.resourceVersion ?? "",
    holderIdentity: text(spec.holderIdentity),
    leaseDurationSeconds: integer(spec.leaseDurationSeconds),
    leaseTransitions: integer(spec.leaseTransitions),
    acquireTime: text(spec.acquireTime),
    renewTime: text(spec.renewTime),
    signedBy: lease.metadata.annotations?.[HOLDER_ANNOTATION] ?? "",
  };
}

export function termOf({ uid, leaseTransitions, holderIdentity }: LeaseRecord): Term {
  return { leaseUid: uid, leaseTransitions, holderIdentity };
}

/** Who writes, and for how long each write is to count. */
export interface Candidate {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
}

/** A Lease of our own, where there is none; as client-go creates it. */
export function createdLease(candidate: Candidate, wallMs: number): KubeObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      namespace: candidate.namespace,
      name: candidate.name,
      annotations: { [HOLDER_ANNOTATION]: candidate.identity },
    },
    spec: { ...heldSpec(candidate, wallMs), acquireTime: microTime(wallMs), leaseTransitions: 0 },
  };
}

/**
 * `lease` taken over. Always a new term: a candidate that finds its own name in the record does not lead
 * under it (it lost it, or the answer to its write), so what it did before must not count as done now.
 */
export function takenLease(lease: KubeObject, candidate: Candidate, wallMs: number): KubeObject {
  const { metadata } = lease;
  const annotations = { ...metadata.annotations, [HOLDER_ANNOTATION]: candidate.identity };
  return withSpec(
    { ...lease, metadata: { ...metadata, annotations } },
    {
      ...heldSpec(candidate, wallMs),
      acquireTime: microTime(wallMs),
      leaseTransitions: readLease(lease).leaseTransitions + 1,
    },
  );
}

/** `lease`, which is ours, for another lease duration. */
export function renewedLease(lease: KubeObject, candidate: Candidate, wallMs: number): KubeObject {
  return withSpec(lease, heldSpec(candidate, wallMs));
}

/** `lease`, which is ours, given up: held by nobody, and for the shortest duration, as client-go writes it. */
export function releasedLease(lease: KubeObject, wallMs: number): KubeObject {
  const now = microTime(wallMs);
  return withSpec(lease, { holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now });
}

/** Go's MicroTime: RFC 3339 in UTC with exactly six digits; with another number Go refuses to read it. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace("Z", "000Z");
}

function heldSpec(candidate: Candidate, wallMs: number) {
  return {
    holderIdentity: candidate.identity,
    // The record has whole seconds; rounding down would let others count less than we rely on.
    leaseDurationSeconds: Math.ceil(candidate.leaseDurationMs / 1_000),
    renewTime: microTime(wallMs),
  };
}

/** What others put into the object (labels, strategy, preferredHolder) stays. */
function withSpec(lease: KubeObject, spec: Record<string, unknown>): KubeObject {
  return { ...lease, spec: { ...specOf(lease), ...spec } };
}

function specOf(lease: KubeObject): Record<string, unknown> {
  return (lease.spec ?? {}) as Record<string, unknown>;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function integer(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
