import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import fc from "fast-check";
import { splitElements, time, unsignedInteger } from "../../certs/der.ts";
import { addressBytes } from "../../certs/ip-address.ts";
import { createAuthority, issueServing } from "../../certs/x509.ts";

const YEAR_MS = 365 * 24 * 3600 * 1000;
const nowMs = Date.now();
const validity = { notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + YEAR_MS };
const authority = createAuthority({ commonName: "test authority", ...validity });

test("an authority is a certificate authority that signs itself", () => {
  const certificate = new X509Certificate(authority.certPem);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.subject, "CN=test authority");
  assert.equal(certificate.verify(certificate.publicKey), true);
});

test("a serving certificate answers to exactly its names and addresses", () => {
  const serving = issueServing(authority, {
    dnsNames: ["a.example.svc", "*.b.example"],
    ipAddresses: ["127.0.0.1", "2001:db8::7"],
    ...validity,
  });
  const certificate = new X509Certificate(serving.certPem);
  assert.equal(certificate.ca, false);
  assert.equal(certificate.checkIssued(new X509Certificate(authority.certPem)), true);
  assert.equal(certificate.checkHost("a.example.svc"), "a.example.svc");
  assert.equal(certificate.checkHost("x.b.example"), "*.b.example");
  assert.equal(certificate.checkHost("c.example.svc"), undefined);
  assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(certificate.checkIP("2001:db8::7"), "2001:db8::7");
  assert.equal(certificate.checkIP("127.0.0.2"), undefined);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});

test("a validity past 2049 is written as RFC 5280 asks, and read back to the second", () => {
  const notAfterMs = Date.UTC(2051, 0, 2, 3, 4, 5);
  const certificate = new X509Certificate(
    createAuthority({ commonName: "long", ...validity, notAfterMs }).certPem,
  );
  assert.equal(certificate.validToDate.getTime(), notAfterMs);
  assert.equal(time(Date.UTC(2049, 11, 31))[0], 0x17);
  assert.equal(time(Date.UTC(2050, 0, 1))[0], 0x18);
});

const refused = {
  "no name at all": { dnsNames: [] },
  "an underscore": { dnsNames: ["a_b.svc"] },
  "an empty label": { dnsNames: ["a..svc"] },
  "an address that is none": { dnsNames: [], ipAddresses: ["10.0.0.256"] },
  "an end before its beginning": { dnsNames: ["a"], notAfterMs: validity.notBeforeMs },
};
for (const [name, options] of Object.entries(refused)) {
  test(`issuing refuses ${name}`, () => {
    assert.throws(() => issueServing(authority, { ...validity, ...options }), RangeError);
  });
}

test("the bytes of an address are those that Node's own parser compares", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (address) => {
      const bytes = addressBytes(address);
      const text = bytes.length === 4 ? bytes.join(".") : bytes.toString("hex").match(/.{4}/g)!.join(":");
      const canonical = (host: string) =>
        new URL(`http://${host.includes(":") ? `[${host}]` : host}/`).hostname;
      assert.equal(canonical(text), canonical(address));
    }),
  );
});

test("an integer keeps its value, is never negative, and has no needless byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const body = splitElements(unsignedInteger(bytes))[0]!.body;
      const value = (digits: Uint8Array) => BigInt(`0x${Buffer.from(digits).toString("hex")}`);
      assert.equal(value(body), value(bytes));
      assert.equal(body[0]! & 0x80, 0);
      assert(body.length === 1 || body[0] !== 0 || (body[1]! & 0x80) !== 0);
    }),
  );
});

test("openssl accepts the chain in strict mode, for each name", (t) => {
  try {
    execFileSync("openssl", ["version"]);
  } catch {
    return t.skip("openssl is not installed");
  }
  const dir = mkdtempSync(join(tmpdir(), "x509-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const serving = issueServing(authority, { dnsNames: ["svc.ns.svc"], ipAddresses: ["::1"], ...validity });
  writeFileSync(join(dir, "ca.pem"), authority.certPem);
  writeFileSync(join(dir, "tls.pem"), serving.certPem);
  for (const identity of [
    ["-verify_hostname", "svc.ns.svc"],
    ["-verify_ip", "::1"],
  ]) {
    const args = [
      "verify",
      "-x509_strict",
      "-purpose",
      "sslserver",
      "-CAfile",
      join(dir, "ca.pem"),
      ...identity,
    ];
    assert.match(execFileSync("openssl", [...args, join(dir, "tls.pem")]).toString(), /OK/);
  }
});

test("a TLS client that trusts the authority alone completes a handshake, and no other does", async (t) => {
  const serving = issueServing(authority, { dnsNames: ["localhost"], ...validity });
  const server = createServer({ key: serving.keyPem, cert: serving.certPem });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const trusting = connect({ port, host: "127.0.0.1", servername: "localhost", ca: authority.certPem });
  await once(trusting, "secureConnect");
  assert.equal(trusting.authorized, true);
  trusting.destroy();
  const stranger = createAuthority({ commonName: "test authority", ...validity });
  const doubting = connect({ port, host: "127.0.0.1", servername: "localhost", ca: stranger.certPem });
  const [error] = await once(doubting, "error");
  assert.match(String((error as NodeJS.ErrnoException).code), /SIGNATURE|VERIFY|ISSUER/);
});
