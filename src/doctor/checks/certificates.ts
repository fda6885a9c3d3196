import { X509Certificate } from "node:crypto";
import { isExpired, mustRenew } from "../../../certs/policy.ts";
import { webhookEntries } from "../../../certs/registration-diff.ts";
import { servingNames } from "../../../certs/serving-names.ts";
import { age } from "../../cli/output.ts";
import { type Finding, ok, problem } from "../finding.ts";
import type { CertificateFacts, Place, Snapshot } from "../snapshot.ts";
import { logs } from "./words.ts";

/** Trusted by both registrations, covering the name that is called, and valid for how long. */
export function checkCertificate(snapshot: Snapshot): Finding[] {
  const { certificate, place } = snapshot;
  if (!certificate.ok) {
    const mend = `kubectl get secret -n ${place.namespace} ${place.certSecret}`;
    return [problem("NotReadable", "warning", `The certificate: ${certificate.problem}`, mend)];
  }
  const { certPem, source, problem: unusable } = certificate.value;
  const served = firstOf(certPem);
  if (served === null) {
    const why = unusable === "" ? "holds no certificate" : `can't be used: ${unusable}`;
    return [problem("CertificateMissing", "error", `${source} ${why}`, logs(place))];
  }
  return [
    ...checkLife(snapshot, certificate.value),
    ...checkNames(place, source, served),
    ...checkTrust(snapshot, served),
  ];
}

function firstOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function checkLife({ nowMs, place }: Snapshot, { certPem, source }: CertificateFacts): Finding[] {
  const until = new X509Certificate(certPem).validToDate;
  const leftSeconds = Math.floor((until.getTime() - nowMs) / 1000);
  if (isExpired(certPem, nowMs)) {
    const what = `The certificate of ${source} expired at ${until.toISOString()}`;
    return [problem("CertificateExpired", "error", what, logs(place))];
  }
  const valid = `The certificate of ${source} is valid for another ${age(leftSeconds)}, until ${until.toISOString()}`;
  return mustRenew(certPem, nowMs).yes
    ? [problem("CertificateNotRenewed", "warning", valid, logs(place))]
    : [ok("certificate", valid)];
}

/** Only the name by which the API server calls counts; the others are for people. */
function checkNames(place: Place, source: string, served: X509Certificate): Finding[] {
  const { dnsNames, ipAddresses } = servingNames(place.target);
  const calledBy = "service" in place.target ? dnsNames[0] : new URL(place.target.url).hostname;
  const name = (calledBy ?? "").replace(/^\[|\]$/g, "");
  const covered = ipAddresses.includes(name) ? served.checkIP(name) : served.checkHost(name);
  if (covered !== undefined) return [];
  const what = `The certificate of ${source} does not cover ${name}, by which the API server calls the service`;
  return [problem("CertificateNameMismatch", "error", what, logs(place))];
}

function checkTrust({ place, registrations }: Snapshot, served: X509Certificate): Finding[] {
  const entries = (registrations.ok ? registrations.value : []).flatMap(({ wanted, actual }) =>
    actual === null
      ? []
      : webhookEntries(actual).map((entry) => ({
          name: `${entry.name} of ${wanted.kind} ${wanted.metadata.name}`,
          caBundle: Buffer.from(entry.clientConfig?.caBundle ?? "", "base64").toString("utf8"),
        })),
  );
  const findings = entries.flatMap(({ name, caBundle }) => {
    if (caBundle.trim() === "") {
      return [problem("CaBundleMissing", "error", `${name} has no caBundle`, logs(place))];
    }
    if (certificatesOf(caBundle).some((authority) => signed(authority, served))) return [];
    const what = `The caBundle of ${name} does not hold the authority of the certificate that is served`;
    return [problem("CaBundleMismatch", "error", what, logs(place))];
  });
  if (findings.length > 0 || entries.length === 0) return findings;
  return [ok("certificate", "The caBundle of every webhook holds its authority")];
}

function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => firstOf(block) ?? []);
}

function signed(authority: X509Certificate, served: X509Certificate): boolean {
  return served.checkIssued(authority) && served.verify(authority.publicKey);
}
