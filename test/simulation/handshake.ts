import { X509Certificate } from "node:crypto";

/** Certificates that were parsed before: each is looked at for every review. */
const parsed = new Map<string, X509Certificate>();
const MOST_PARSED = 1_000;

/**
 * What an API server's TLS says of a webhook's certificate, in the words of Go's crypto/x509; null: it trusts it.
 * `caBundle` is base64, as a registration has it.
 */
export function certificateProblem(
  certPem: string,
  caBundle: string,
  host: string,
  nowMs: number,
): string | null {
  const certificate = parse(certPem);
  const authorities = Buffer.from(caBundle, "base64").toString("utf8").match(PEM_BLOCK) ?? [];
  const signer = authorities
    .map(parse)
    .find((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
  for (const each of [certificate, signer]) {
    if (each === undefined) return "x509: certificate signed by unknown authority";
    if (nowMs < each.validFromDate.getTime() || nowMs > each.validToDate.getTime())
      return "x509: certificate has expired or is not yet valid";
  }
  if (certificate.checkHost(host) === undefined) return `x509: certificate is not valid for ${host}`;
  return null;
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function parse(pem: string): X509Certificate {
  const known = parsed.get(pem);
  if (known !== undefined) return known;
  if (parsed.size >= MOST_PARSED) parsed.clear();
  const certificate = new X509Certificate(pem);
  parsed.set(pem, certificate);
  return certificate;
}
