import assert from "node:assert/strict";
import { test } from "node:test";
import { servingNames } from "../../certs/serving-names.ts";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import type { RegistrationTarget } from "../../webhooks/registration.ts";

const cases: Record<string, { target: RegistrationTarget; dns: string[]; ip: string[] }> = {
  "a Service is called by its name in its namespace": {
    target: { service: { namespace: "ns", name: "svc" } },
    dns: ["svc.ns.svc", "svc.ns.svc.cluster.local", "localhost"],
    ip: ["127.0.0.1"],
  },
  "a URL is called by its host": {
    target: { url: "https://hooks.example:9443/base" },
    dns: ["hooks.example", "localhost"],
    ip: ["127.0.0.1"],
  },
  "a URL may hold an address": {
    target: { url: "https://10.0.0.7:9443" },
    dns: ["localhost"],
    ip: ["10.0.0.7", "127.0.0.1"],
  },
  "an IPv6 address loses its brackets": {
    target: { url: "https://[2001:db8::1]:9443" },
    dns: ["localhost"],
    ip: ["2001:db8::1", "127.0.0.1"],
  },
  "names are not repeated": { target: { url: "https://localhost:1" }, dns: ["localhost"], ip: ["127.0.0.1"] },
};
for (const [name, { target, dns, ip }] of Object.entries(cases)) {
  test(`${name}, and a certificate can be issued for that`, () => {
    const names = servingNames(target);
    assert.deepEqual(names, { dnsNames: dns, ipAddresses: ip });
    const validity = { notBeforeMs: Date.now(), notAfterMs: Date.now() + 60_000 };
    issueServing(createAuthority({ commonName: "test", ...validity }), { ...names, ...validity });
  });
}
