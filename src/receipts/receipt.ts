import {
  CompactSign,
  type CryptoKey,
  compactVerify,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
} from "jose";

/**
 * A receipt: proof, outside the cluster as well, that this service admitted one claim of one host. A compact JWS
 * (RFC 7515), always ES256: an algorithm named by the token is never trusted.
 */
export interface Receipt {
  readonly hostUID: string;
  /** The version of the host that the claim was admitted against. */
  readonly hostResourceVersion: string;
  /** kind/namespace/name */
  readonly consumer: string;
  readonly consumerUID: string;
  /** formatTerm of the holder; "" on the optimistic path. */
  readonly term: string;
  readonly priority: number;
  /** When it was admitted, milliseconds since the epoch. */
  readonly atMs: number;
}

export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

const ALGORITHM = "ES256";
/** Keeps a receipt from being taken for any other token that a key of ours might ever sign. */
const TYPE = "beskar7-receipt+jws";
/** A receipt has about 600 characters; nothing longer is looked into. */
const LONGEST = 4096;

export async function signReceipt({ kid, key }: SigningKey, receipt: Receipt): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(receipt)))
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: TYPE })
    .sign(key);
}

/**
 * RECEIPT_MALFORMED: not a receipt, or of another form or algorithm.
 * RECEIPT_UNKNOWN_KEY: no key of the set has its kid.
 * RECEIPT_BAD_SIGNATURE: changed, or signed by somebody else under that kid.
 * RECEIPT_MISMATCH: genuine, but not for what was expected.
 */
export type ReceiptErrorCode =
  | "RECEIPT_MALFORMED"
  | "RECEIPT_UNKNOWN_KEY"
  | "RECEIPT_BAD_SIGNATURE"
  | "RECEIPT_MISMATCH";

export class ReceiptError extends Error {
  override readonly name = "ReceiptError";
  readonly code: ReceiptErrorCode;

  constructor(code: ReceiptErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The receipt in `token`, if a key of `jwks` signed it and it says what is expected. Rejects with a ReceiptError. */
export async function verifyReceipt(
  token: string,
  jwks: JSONWebKeySet,
  expectations: Partial<Receipt> = {},
): Promise<Receipt> {
  if (token.length > LONGEST) throw new ReceiptError("RECEIPT_MALFORMED", "it is too long for a receipt");
  const receipt = await openReceipt(token, jwks);
  for (const [field, wanted] of Object.entries(expectations)) {
    const actual = receipt[field as keyof Receipt];
    if (wanted !== undefined && actual !== wanted) {
      throw new ReceiptError("RECEIPT_MISMATCH", `its ${field} is ${actual}, not ${wanted}`);
    }
  }
  return receipt;
}

async function openReceipt(token: string, jwks: JSONWebKeySet): Promise<Receipt> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, createLocalJWKSet(jwks), {
      algorithms: [ALGORITHM],
    });
    if (protectedHeader.typ !== TYPE)
      throw new ReceiptError("RECEIPT_MALFORMED", "it is a token of another type");
    return readPayload(JSON.parse(Buffer.from(payload).toString("utf8")));
  } catch (error) {
    if (error instanceof ReceiptError) throw error;
    if (error instanceof errors.JWKSNoMatchingKey) {
      throw new ReceiptError("RECEIPT_UNKNOWN_KEY", "no key that is known signed it", error);
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw new ReceiptError("RECEIPT_BAD_SIGNATURE", "its signature is wrong", error);
    }
    throw new ReceiptError("RECEIPT_MALFORMED", "it is no receipt", error);
  }
}

const TEXTS = ["hostUID", "hostResourceVersion", "consumer", "consumerUID", "term"] as const;
const NUMBERS = ["priority", "atMs"] as const;

function readPayload(raw: unknown): Receipt {
  const fields = (typeof raw === "object" && raw !== null ? raw : {}) as Record<string, unknown>;
  const complete =
    TEXTS.every((field) => typeof fields[field] === "string") &&
    NUMBERS.every((field) => Number.isSafeInteger(fields[field]));
  if (!complete) throw new ReceiptError("RECEIPT_MALFORMED", "a field is missing");
  return Object.fromEntries(
    [...TEXTS, ...NUMBERS].map((field) => [field, fields[field]]),
  ) as unknown as Receipt;
}

/** The kid that a receipt names, unverified; undefined for what is no receipt. */
export function receiptKeyId(token: string): string | undefined {
  try {
    const { kid } = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8"));
    return typeof kid === "string" ? kid : undefined;
  } catch {
    return undefined;
  }
}
