import assert from "node:assert/strict";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import {
  bitString,
  boolean,
  explicit,
  implicit,
  octetString,
  oid,
  sequence,
  set,
  splitElements,
  time,
  unsignedInteger,
  utf8String,
} from "./der.ts";
import { addressBytes } from "./ip-address.ts";

/**
 * X.509 v3 certificates (RFC 5280) with ECDSA P-256 keys: an authority of one level, and the serving certificates
 * it signs. Made to pass Go's crypto/x509, which is what an API server checks a webhook with.
 */

/** A private key (PKCS #8) and the certificate for it, both PEM. */
export interface CertifiedKey {
  readonly keyPem: string;
  readonly certPem: string;
}

/** A certified key that may sign others. */
export type Authority = CertifiedKey;

/** Random bytes for serial numbers; keys are always made from the machine's own randomness. */
export type RandomBytes = (size: number) => Uint8Array;

export interface ValidityOptions {
  /** Milliseconds since the epoch; certificates carry whole seconds. */
  notBeforeMs: number;
  /** The last second of validity; later than notBeforeMs. */
  notAfterMs: number;
  random?: RandomBytes;
}

export interface AuthorityOptions extends ValidityOptions {
  /** 1 to 64 characters (RFC 5280's ub-common-name). */
  commonName: string;
}

export interface ServingOptions extends ValidityOptions {
  /** Names a client may reach the server by; clients look here alone, never at the common name. */
  dnsNames: readonly string[];
  /** Addresses likewise, IPv4 or IPv6. With dnsNames, at least one name. */
  ipAddresses?: readonly string[];
  /** 1 to 64 characters; default: "serving". */
  commonName?: string;
}

const OID = {
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

const SIGNATURE_ALGORITHM = sequence(oid(OID.ecdsaWithSha256));

/** digitalSignature, bit 0: what TLS 1.2 and 1.3 use of an ECDSA key. */
const USAGE_SERVING = bitString(Buffer.from([0b1000_0000]), 7);
/** keyCertSign (5) and cRLSign (6), with digitalSignature, as most authorities carry. */
const USAGE_AUTHORITY = bitString(Buffer.from([0b1000_0110]), 1);

/** An uncompressed P-256 point: 0x04, x, y. It ends the key's SubjectPublicKeyInfo. */
const POINT_BYTES = 65;

/** A self-signed authority that signs leaves only (pathLenConstraint 0). */
export function createAuthority(options: AuthorityOptions): Authority {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName(options.commonName);
  const keyId = keyIdentifier(publicKey);
  const certificate = signCertificate(privateKey, {
    ...options,
    issuer: name,
    subject: name,
    publicKey,
    extensions: [
      extension(OID.basicConstraints, true, sequence(boolean(true), unsignedInteger(Buffer.from([0])))),
      extension(OID.keyUsage, true, USAGE_AUTHORITY),
      extension(OID.subjectKeyIdentifier, false, octetString(keyId)),
      extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, keyId))),
    ],
  });
  return { keyPem: exportKey(privateKey), certPem: toPem(certificate) };
}

/** A fresh key and a certificate for a TLS server of these names. Throws a RangeError where a name is not one. */
export function issueServing(authority: Authority, options: ServingOptions): CertifiedKey {
  const names = [
    ...options.dnsNames.map((name) => implicit(2, Buffer.from(checkDnsName(name), "ascii"))),
    ...(options.ipAddresses ?? []).map((address) => implicit(7, addressBytes(address))),
  ];
  if (names.length === 0) throw new RangeError("a serving certificate needs a name or an address");
  const authorityKey = createPrivateKey(authority.keyPem);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certificate = signCertificate(authorityKey, {
    ...options,
    issuer: subjectOf(authority.certPem),
    subject: distinguishedName(options.commonName ?? "serving"),
    publicKey,
    extensions: [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, USAGE_SERVING),
      extension(OID.extKeyUsage, false, sequence(oid(OID.serverAuth))),
      extension(OID.subjectAltName, false, sequence(...names)),
      extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(publicKey))),
      extension(
        OID.authorityKeyIdentifier,
        false,
        sequence(implicit(0, keyIdentifier(createPublicKey(authorityKey)))),
      ),
    ],
  });
  return { keyPem: exportKey(privateKey), certPem: toPem(certificate) };
}

interface CertificateFields extends ValidityOptions {
  issuer: Buffer;
  subject: Buffer;
  publicKey: KeyObject;
  extensions: Buffer[];
}

function signCertificate(signer: KeyObject, fields: CertificateFields): Buffer {
  if (fields.notAfterMs <= fields.notBeforeMs)
    throw new RangeError("notAfterMs must be later than notBeforeMs");
  const toBeSigned = sequence(
    explicit(0, unsignedInteger(Buffer.from([2]))),
    serialNumber(fields.random ?? randomBytes),
    SIGNATURE_ALGORITHM,
    fields.issuer,
    sequence(time(fields.notBeforeMs), time(fields.notAfterMs)),
    fields.subject,
    fields.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...fields.extensions)),
  );
  return sequence(toBeSigned, SIGNATURE_ALGORITHM, bitString(sign("sha256", toBeSigned, signer)));
}

/** Positive and at most 20 bytes (RFC 5280 4.1.2.2); 127 random bits, so that no two authorities' serials meet. */
function serialNumber(random: RandomBytes): Buffer {
  const bytes = Buffer.from(random(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return unsignedInteger(bytes);
}

function distinguishedName(commonName: string): Buffer {
  if (commonName.length < 1 || commonName.length > 64)
    throw new RangeError("a common name has 1 to 64 characters");
  return sequence(set(sequence(oid(OID.commonName), utf8String(commonName))));
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value));
}

/** 160 bits of SHA-256 over the public point (RFC 7093, method 1). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  assert(publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1", "authority keys are P-256");
  const spki = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki.subarray(-POINT_BYTES)).digest().subarray(0, 20);
}

/** The subject's bytes as they stand: an issuer name must repeat them exactly. */
function subjectOf(certPem: string): Buffer {
  const [certificate] = splitElements(new X509Certificate(certPem).raw);
  const [toBeSigned] = splitElements(certificate!.body);
  // version, serialNumber, signature, issuer, validity, subject
  return splitElements(toBeSigned!.body)[5]!.whole;
}

/** Letters, digits, hyphens and dots, perhaps a leading "*."; Go refuses a certificate with any other byte. */
function checkDnsName(name: string): string {
  if (
    !/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(name)
  ) {
    throw new RangeError(`not a DNS name: ${name}`);
  }
  return name;
}

function exportKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
