import { pairProblem } from "./policy.ts";
import type { CertificateState } from "./rotation.ts";
import type { CertifiedKey } from "./x509.ts";

/** Keys of the Secret. tls.crt, tls.key and ca.crt are named as everywhere, so that other tools can read them. */
const KEYS = {
  servingCert: "tls.crt",
  servingKey: "tls.key",
  authorityCert: "ca.crt",
  authorityKey: "ca.key",
  nextCert: "next-ca.crt",
  nextKey: "next-ca.key",
  retiredCert: "retired-ca.crt",
  retiredAt: "retired-at",
} as const;

type SecretData = Readonly<Record<string, string>>;

/**
 * The state in a Secret's data. `problem` says why there is none; "" where nothing was ever stored. A next authority
 * that can't be used counts as absent, since it has signed nothing yet.
 */
export function readState(
  data: SecretData,
): { ok: true; state: CertificateState } | { ok: false; problem: string } {
  const stored = [KEYS.servingCert, KEYS.authorityCert].some((key) => data[key] !== undefined);
  if (!stored) return { ok: false, problem: "" };
  const authority = pair(data, KEYS.authorityCert, KEYS.authorityKey);
  const serving = pair(data, KEYS.servingCert, KEYS.servingKey);
  const problem = pairProblem(authority) ?? pairProblem(serving);
  if (problem !== undefined) return { ok: false, problem };
  const next = pair(data, KEYS.nextCert, KEYS.nextKey);
  const retiredAtMs = Date.parse(data[KEYS.retiredAt] ?? "");
  const retiredCert = data[KEYS.retiredCert];
  return {
    ok: true,
    state: {
      authority,
      serving,
      next: pairProblem(next) === undefined ? next : null,
      retired:
        retiredCert === undefined || Number.isNaN(retiredAtMs) ? null : { certPem: retiredCert, retiredAtMs },
    },
  };
}

function pair(data: SecretData, cert: string, key: string): CertifiedKey {
  return { certPem: data[cert] ?? "", keyPem: data[key] ?? "" };
}

/** The data that stands for a state; null removes a key. */
export function writeState(state: CertificateState): Record<string, string | null> {
  return {
    [KEYS.servingCert]: state.serving.certPem,
    [KEYS.servingKey]: state.serving.keyPem,
    [KEYS.authorityCert]: state.authority.certPem,
    [KEYS.authorityKey]: state.authority.keyPem,
    [KEYS.nextCert]: state.next?.certPem ?? null,
    [KEYS.nextKey]: state.next?.keyPem ?? null,
    [KEYS.retiredCert]: state.retired?.certPem ?? null,
    [KEYS.retiredAt]: state.retired === null ? null : new Date(state.retired.retiredAtMs).toISOString(),
  };
}
