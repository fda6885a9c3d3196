import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair } from "jose";
import { type Receipt, receiptKeyId, signReceipt, verifyReceipt } from "../../src/receipts/receipt.ts";

const receipt: Receipt = {
  hostUID: "h-1",
  hostResourceVersion: "42",
  consumer: "Beskar7Machine/default/m",
  consumerUID: "m-1",
  term: "lease/3/pod_x",
  priority: 150,
  atMs: Date.UTC(2026, 0, 1),
};
const pair = await generateKeyPair("ES256", { extractable: true });
const publicJwk = await exportJWK(pair.publicKey);
const jwks = { keys: [{ ...publicJwk, kid: "k1", alg: "ES256", use: "sig" }] };
const token = await signReceipt({ kid: "k1", key: pair.privateKey }, receipt);
const [header, payload, signature] = token.split(".") as [string, string, string];

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const signed = (
  protectedHeader: { alg: string; kid?: string; typ?: string },
  key: CryptoKey,
  body: unknown = receipt,
) => new CompactSign(Buffer.from(JSON.stringify(body))).setProtectedHeader(protectedHeader).sign(key);
const typ = "beskar7-receipt+jws";

test("what was signed is read back, and what was expected is there", async () => {
  assert.deepEqual(await verifyReceipt(token, jwks, { hostUID: "h-1", priority: 150 }), receipt);
  assert.equal(receiptKeyId(token), "k1");
});

const stranger = await generateKeyPair("ES256");
const otherAlgorithm = await generateKeyPair("ES384");
const none = `${encode({ alg: "none", kid: "k1", typ })}.${payload}.`;
const confusedHead = `${encode({ alg: "HS256", kid: "k1", typ })}.${payload}`;
// The old trick: the public key, which everybody has, as the secret of a symmetric signature.
const hmac = createHmac("sha256", JSON.stringify(publicJwk)).update(confusedHead).digest("base64url");

const refused: Record<string, { token: string; code: string }> = {
  "alg none": { token: none, code: "RECEIPT_MALFORMED" },
  "a symmetric signature made with the public key": {
    token: `${confusedHead}.${hmac}`,
    code: "RECEIPT_MALFORMED",
  },
  "another algorithm under our kid": {
    token: await signed({ alg: "ES384", kid: "k1", typ }, otherAlgorithm.privateKey),
    code: "RECEIPT_MALFORMED",
  },
  "another key under our kid": {
    token: await signed({ alg: "ES256", kid: "k1", typ }, stranger.privateKey),
    code: "RECEIPT_BAD_SIGNATURE",
  },
  "an unknown kid": {
    token: await signed({ alg: "ES256", kid: "k2", typ }, pair.privateKey),
    code: "RECEIPT_UNKNOWN_KEY",
  },
  "a token of another type by our key": {
    token: await signed({ alg: "ES256", kid: "k1", typ: "JWT" }, pair.privateKey),
    code: "RECEIPT_MALFORMED",
  },
  "a payload that lacks a field": {
    token: await signed({ alg: "ES256", kid: "k1", typ }, pair.privateKey, { hostUID: "h-1" }),
    code: "RECEIPT_MALFORMED",
  },
  "a changed payload": {
    token: `${header}.${encode({ ...receipt, priority: 999 })}.${signature}`,
    code: "RECEIPT_BAD_SIGNATURE",
  },
  "no token at all": { token: "receipt", code: "RECEIPT_MALFORMED" },
  "an endless text": { token: "a".repeat(100_000), code: "RECEIPT_MALFORMED" },
};
for (const [name, { token: bad, code }] of Object.entries(refused)) {
  test(`${name} is refused as ${code}`, async () => {
    await assert.rejects(verifyReceipt(bad, jwks), { name: "ReceiptError", code });
  });
}

test("a receipt of another host is genuine, and not for this one", async () => {
  await assert.rejects(verifyReceipt(token, jwks, { hostUID: "h-2" }), {
    code: "RECEIPT_MISMATCH",
    message: "its hostUID is h-1, not h-2",
  });
});
