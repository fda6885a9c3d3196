import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { checkTokenOffline, issuerKeys } from "../../src/ops/auth-offline.ts";
import { ManualClock } from "../certs/manual-clock.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const issuer = "https://kubernetes.default.svc";
const audience = "beskar7";
const pair = await generateKeyPair("RS256", { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k", alg: "RS256" }] };
const check = checkTokenOffline({
  issuer,
  audience,
  keys: createLocalJWKSet(jwks),
  clock: new ManualClock(NOW_MS),
});

const claims = {
  iss: issuer,
  aud: [audience],
  sub: "system:serviceaccount:monitoring:prometheus",
  exp: NOW_MS / 1000 + 600,
  "kubernetes.io": { pod: { name: "p-0", uid: "p" }, serviceaccount: { name: "prometheus", uid: "s" } },
};
const sign = (payload: JWTPayload, alg = "RS256", key: Parameters<SignJWT["sign"]>[0] = pair.privateKey) =>
  new SignJWT(payload).setProtectedHeader({ alg, kid: "k" }).sign(key);

test("a service account's token says who it is, and of which pod", async () => {
  assert.deepEqual(await check(await sign(claims)), {
    username: "system:serviceaccount:monitoring:prometheus",
    uid: "s",
    groups: ["system:serviceaccounts", "system:serviceaccounts:monitoring", "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/pod-name": ["p-0"],
      "authentication.kubernetes.io/pod-uid": ["p"],
    },
  });
});

test("another subject of the issuer stays behind the issuer's name, and gets no group of Kubernetes", async () => {
  const user = await check(await sign({ ...claims, sub: "system:masters" }));
  assert.equal(user?.username, `${issuer}#system:masters`);
  assert.deepEqual(user?.groups, ["system:authenticated"]);
});

const { exp: _, ...endless } = claims;
const stranger = await generateKeyPair("RS256");
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const nobody: Record<string, string> = {
  "of another issuer": await sign({ ...claims, iss: "https://other" }),
  "for another audience": await sign({ ...claims, aud: "other" }),
  "that has expired": await sign({ ...claims, exp: NOW_MS / 1000 - 31 }),
  "that is not valid yet": await sign({ ...claims, nbf: NOW_MS / 1000 + 31 }),
  "without an end": await sign(endless),
  "without a signature": `${encode({ alg: "none", kid: "k" })}.${encode(claims)}.`,
  "signed with the public key as a secret": await sign(
    claims,
    "HS256",
    Buffer.from(JSON.stringify(jwks.keys[0])),
  ),
  "signed by another key": await sign(claims, "RS256", stranger.privateKey),
  "that is none": "good",
};
for (const [what, token] of Object.entries(nobody)) {
  test(`a token ${what} is nobody's`, async () => assert.equal(await check(token), undefined));
}

test("an issuer that can't be asked is a failure, not a bad token", async () => {
  const keys = () => Promise.reject(new TypeError("fetch failed"));
  const asking = checkTokenOffline({ issuer, audience, keys, clock: new ManualClock(NOW_MS) });
  await assert.rejects(asking(await sign(claims)), /fetch failed/);
});

test("keys are read from a file, and a file that holds none is refused by name", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jwks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "jwks.json");
  writeFileSync(path, JSON.stringify(jwks));
  const options = { issuer, audience, keys: await issuerKeys(path), clock: new ManualClock(NOW_MS) };
  assert(await checkTokenOffline(options)(await sign(claims)));
  writeFileSync(path, "{}");
  await assert.rejects(issuerKeys(path), new RegExp(path));
});
