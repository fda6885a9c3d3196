import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CompactSign,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  SignJWT,
} from "jose";
import { checkTokenOffline } from "../../src/ops/auth-offline.ts";
import { signReceipt, verifyReceipt } from "../../src/receipts/receipt.ts";
import { FakeClock } from "../support/fake-clock.ts";

const issuer = "https://kubernetes.default.svc";
const audience = "beskar7-claim-coordinator";
const clock = new FakeClock();
const nowSeconds = clock.wallMs() / 1000;
const cluster = await generateKeyPair("RS256", { extractable: true });
const jwks = {
  keys: [{ ...(await exportJWK(cluster.publicKey)), kid: "cluster", alg: "RS256", use: "sig" }],
};
const check = checkTokenOffline({ issuer, audience, keys: createLocalJWKSet(jwks), clock });
const claims = {
  iss: issuer,
  aud: audience,
  sub: "system:serviceaccount:monitoring:prometheus",
  exp: nowSeconds + 600,
};
const attacker = await generateKeyPair("RS256", { extractable: true });
const attackersKey = await exportJWK(attacker.publicKey);

const sign = (header: Partial<JWTHeaderParameters>, key = attacker.privateKey, payload: object = claims) =>
  new SignJWT(payload as typeof claims).setProtectedHeader({ alg: "RS256", ...header }).sign(key);

test("a token of the cluster's key passes, so that what follows is refused for its own fault", async () => {
  assert.equal((await check(await sign({ kid: "cluster" }, cluster.privateKey)))?.username, claims.sub);
});

const forged: Record<string, string> = {
  "names a key that nobody knows": await sign({ kid: "unknown" }, cluster.privateKey),
  "brings its own key along": await sign({ kid: "attacker", jwk: attackersKey }),
  "brings its own key under the cluster's name": await sign({ kid: "cluster", jwk: attackersKey }),
  "says where its key is to be fetched": await sign({ kid: "cluster", jku: "https://attacker.example/jwks" }),
  "walks the file system with its key's name": await sign({ kid: "../../../../dev/null" }),
  "asks for several audiences, none of them ours": await sign({ kid: "cluster" }, cluster.privateKey, {
    ...claims,
    aud: ["https://kubernetes.default.svc", "vault"],
  }),
  "has an expiry that is no time": await sign({ kid: "cluster" }, cluster.privateKey, {
    ...claims,
    exp: "never",
  }),
  "has an issuer that only begins like ours": await sign({ kid: "cluster" }, cluster.privateKey, {
    ...claims,
    iss: `${issuer}.attacker.example`,
  }),
  "wants an extension understood": await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "RS256", kid: "cluster", crit: ["b64"], b64: true })
    .sign(cluster.privateKey)
    .then((token) =>
      token.replace(/^[^.]+/, encode({ alg: "RS256", kid: "cluster", crit: ["exp"], exp: 1 })),
    ),
};
for (const alg of ["none", "None", "nOnE", "", "HS256", "RS1"]) {
  forged[`says that its algorithm is "${alg}"`] = `${encode({ alg, kid: "cluster" })}.${encode(claims)}.`;
}
for (const [what, token] of Object.entries(forged)) {
  test(`a token that ${what} is nobody's`, async () => assert.equal(await check(token), undefined));
}

test("a receipt opens no door, and a token is no receipt", async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k", alg: "ES256" }] };
  const both = checkTokenOffline({ issuer, audience, keys: createLocalJWKSet(keys), clock });
  const receipt = {
    hostUID: "h",
    hostResourceVersion: "1",
    consumer: "c",
    consumerUID: "",
    term: "",
    priority: 100,
    atMs: clock.wallMs(),
  };
  const signed = await signReceipt({ kid: "k", key: pair.privateKey }, receipt);
  assert.equal(await both(signed), undefined);
  const token = await new SignJWT({ ...claims, ...receipt })
    .setProtectedHeader({ alg: "ES256", kid: "k", typ: "JWT" })
    .sign(pair.privateKey);
  await assert.rejects(verifyReceipt(token, keys), { code: "RECEIPT_MALFORMED" });
});

test("no change of a single character leaves a receipt or a token genuine, and none is a crash", async () => {
  const token = await sign({ kid: "cluster" }, cluster.privateKey);
  // The last character of a part may hold bits that mean nothing.
  const inner = fc.nat(token.length - 2).filter((at) => token[at + 1] !== "." && token[at] !== ".");
  await fc.assert(
    fc.asyncProperty(
      inner,
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
      async (at, character) => {
        fc.pre(character !== token[at]);
        assert.equal(await check(token.slice(0, at) + character + token.slice(at + 1)), undefined);
      },
    ),
    { numRuns: Number(process.env.ADVERSARY_RUNS ?? 200) },
  );
});

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
