import assert from "node:assert/strict";
import { isExpired, mustReissue, mustRenew, type Verdict } from "./policy.ts";
import {
  type Authority,
  type CertifiedKey,
  createAuthority,
  issueServing,
  type RandomBytes,
} from "./x509.ts";

/**
 * The life of a self-managed authority as a state machine: what is stored, what this process has seen, and the time
 * give the next step; each step is one conditional write of the Secret, so a crash between any two loses nothing.
 *
 *     prepare-authority   a second authority is stored and published in every registration, but signs nothing
 *     promote             once it stood there for a stated wait, it signs the serving certificate
 *     drop-retired        the first one leaves the registrations
 */
export interface CertificateState {
  /** Signs serving certificates. */
  readonly authority: Authority;
  readonly serving: CertifiedKey;
  /** Published, not used yet. */
  readonly next: Authority | null;
  /** Still published, not used any more: a replica that has not reloaded serves a certificate of it. */
  readonly retired: { readonly certPem: string; readonly retiredAtMs: number } | null;
}

export interface RotationPolicy {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Milliseconds that a serving certificate lives; default 90 days. */
  readonly servingLifeMs: number;
  /** Milliseconds that an authority lives; default 5 years. */
  readonly authorityLifeMs: number;
  /** How long a new authority stands in every registration before it is used; API servers acknowledge nothing. */
  readonly overlapWaitMs: number;
  /** How long an authority is trusted after its last signature was replaced; default one day. */
  readonly retireAfterMs: number;
}

const DAY_MS = 24 * 3600 * 1000;

export const DEFAULT_ROTATION = {
  servingLifeMs: 90 * DAY_MS,
  authorityLifeMs: 5 * 365 * DAY_MS,
  overlapWaitMs: 60_000,
  retireAfterMs: DAY_MS,
} as const;

/**
 * Certificates begin in the past, so that an API server whose clock is behind accepts a new one; by little of their
 * life, since renewal is counted from the beginning.
 */
const backdatedMs = (nowMs: number, lifeMs: number) => nowMs - Math.min(3600 * 1000, lifeMs / 10);

export type RotationStep = "start-over" | "issue-serving" | "prepare-authority" | "promote" | "drop-retired";
export type RotationAction =
  | { readonly step: RotationStep; readonly why: string }
  | { readonly step: "wait" };

export interface RotationFacts {
  readonly nowMs: number;
  /**
   * For how long this process has seen every registration that exists carry state.next, on its monotonic clock;
   * undefined when one does not carry it now.
   */
  readonly nextPublishedForMs: number | undefined;
}

/** `state` is undefined where nothing usable is stored. */
export function nextAction(
  state: CertificateState | undefined,
  { nowMs, nextPublishedForMs }: RotationFacts,
  policy: RotationPolicy,
): RotationAction {
  if (state === undefined) return { step: "start-over", why: "nothing usable is stored" };
  const { authority, serving, retired } = state;
  const next = state.next !== null && !mustRenew(state.next.certPem, nowMs).yes ? state.next : null;
  if (isExpired(authority.certPem, nowMs)) {
    const why = "the authority has expired";
    return next === null ? { step: "start-over", why } : { step: "promote", why };
  }
  const reissue = mustReissue(serving, authority.certPem, policy, nowMs);
  if (reissue.yes) return { step: "issue-serving", why: reissue.why };
  if (next !== null && nextPublishedForMs !== undefined && nextPublishedForMs >= policy.overlapWaitMs) {
    return { step: "promote", why: "every registration has carried it long enough" };
  }
  const replace: Verdict = mustRenew(authority.certPem, nowMs);
  if (replace.yes && next === null) return { step: "prepare-authority", why: replace.why };
  if (retired !== null && nowMs >= retired.retiredAtMs + policy.retireAfterMs) {
    return { step: "drop-retired", why: "nothing that it signed is served any more" };
  }
  return { step: "wait" };
}

/** The state after a step. Makes keys; stores nothing. */
export function takeStep(
  state: CertificateState | undefined,
  step: RotationStep,
  nowMs: number,
  policy: RotationPolicy,
  random?: RandomBytes,
): CertificateState {
  if (step === "start-over") {
    const authority = newAuthority(nowMs, policy, random);
    return { authority, serving: newServing(authority, nowMs, policy, random), next: null, retired: null };
  }
  assert(state !== undefined, `${step} needs a state`);
  switch (step) {
    case "issue-serving":
      return { ...state, serving: newServing(state.authority, nowMs, policy, random) };
    case "prepare-authority":
      return { ...state, next: newAuthority(nowMs, policy, random) };
    case "promote": {
      assert(state.next !== null, "promote needs a next authority");
      return {
        authority: state.next,
        serving: newServing(state.next, nowMs, policy, random),
        next: null,
        retired: { certPem: state.authority.certPem, retiredAtMs: nowMs },
      };
    }
    case "drop-retired":
      return { ...state, retired: null };
  }
}

/** What every registration should trust: the one that signs first, then the others. */
export function trustBundle({ authority, next, retired }: CertificateState): string {
  return [authority.certPem, next?.certPem ?? "", retired?.certPem ?? ""].join("");
}

function newAuthority(nowMs: number, policy: RotationPolicy, random?: RandomBytes): Authority {
  const notBeforeMs = backdatedMs(nowMs, policy.authorityLifeMs);
  const notAfterMs = nowMs + policy.authorityLifeMs;
  return createAuthority({ commonName: "beskar7-claim-coordinator", notBeforeMs, notAfterMs, random });
}

/** May outlive its authority: that is renewed long before, and a chain is only as good as each of its parts. */
function newServing(
  authority: Authority,
  nowMs: number,
  policy: RotationPolicy,
  random?: RandomBytes,
): CertifiedKey {
  const { dnsNames, ipAddresses, servingLifeMs } = policy;
  const notBeforeMs = backdatedMs(nowMs, servingLifeMs);
  return issueServing(authority, {
    commonName: "beskar7-claim-coordinator",
    dnsNames,
    ipAddresses,
    notBeforeMs,
    notAfterMs: nowMs + servingLifeMs,
    random,
  });
}
