import { createPrivateKey, X509Certificate } from "node:crypto";
import type { CertifiedKey } from "./x509.ts";

/** An answer with its reason. */
export type Verdict = { readonly yes: true; readonly why: string } | { readonly yes: false };

const no: Verdict = { yes: false };
const yes = (why: string): Verdict => ({ yes: true, why });

/** The share of its life after which a certificate is renewed: a third is left to notice that renewal fails. */
const RENEW_AFTER = 2 / 3;

/** When a certificate is due for renewal, milliseconds since the epoch. */
export function renewAtMs(certPem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certPem);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return from + (to - from) * RENEW_AFTER;
}

export function mustRenew(certPem: string, nowMs: number): Verdict {
  if (isExpired(certPem, nowMs))
    return yes(`it expired on ${new X509Certificate(certPem).validToDate.toISOString()}`);
  return nowMs >= renewAtMs(certPem) ? yes("two thirds of its life are over") : no;
}

export function isExpired(certPem: string, nowMs: number): boolean {
  return nowMs > new X509Certificate(certPem).validToDate.getTime();
}

/** Whether a serving certificate has to be replaced: its age, its issuer, or a name that it lacks. */
export function mustReissue(
  serving: CertifiedKey,
  authorityPem: string,
  names: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] },
  nowMs: number,
): Verdict {
  const certificate = new X509Certificate(serving.certPem);
  const authority = new X509Certificate(authorityPem);
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    return yes("another authority signed it");
  }
  const lacking =
    names.dnsNames.find((name) => certificate.checkHost(name) === undefined) ??
    names.ipAddresses.find((address) => certificate.checkIP(address) === undefined);
  if (lacking !== undefined) return yes(`it does not cover ${lacking}`);
  return mustRenew(serving.certPem, nowMs);
}

/** What is wrong with a key and a certificate chain that should belong together; undefined when nothing is. */
export function pairProblem({ keyPem, certPem }: CertifiedKey): string | undefined {
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem))
      ? undefined
      : "the private key does not belong to the certificate";
  } catch (error) {
    return `it can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
