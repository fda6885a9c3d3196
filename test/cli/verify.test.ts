import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { JSONWebKeySet } from "jose";
import { SecretStore } from "../../certs/secret-store.ts";
import { jwksOfSecret, runVerify } from "../../src/cli/verify.ts";
import { systemClock } from "../../src/clock.ts";
import { RECEIPT_ANNOTATION } from "../../src/hosts/annotations.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { ReceiptKeys } from "../../src/receipts/keys.ts";
import { MemoryObjects, memoryApi } from "../certs/memory-api.ts";
import { heldBy, host } from "../queue/objects.ts";
import { memoryIo } from "./memory-io.ts";

describe("verify", () => {
  const secretApi = memoryApi(new MemoryObjects());
  let receipt: string;
  let jwks: JSONWebKeySet;

  before(async () => {
    const store = new SecretStore({ api: secretApi, namespace: "beskar7-system", name: "certs" });
    const keys = new ReceiptKeys({ store, clock: systemClock, log: silentLog, keysInUse: () => undefined });
    await keys.look();
    receipt = await keys.sign({
      hostUID: host("host-1").metadata.uid ?? "",
      hostResourceVersion: "41",
      consumer: "Beskar7Machine/default/machine-1",
      consumerUID: "m-1",
      term: "",
      priority: 160,
      atMs: Date.UTC(2026, 0, 1),
    });
    jwks = keys.jwks();
  });

  async function verify(argument: string, objects: KubeObject[] = [], output: "text" | "json" = "text") {
    const io = { ...memoryIo(objects), jwks: async () => jwks };
    const code = await runVerify({ namespace: "", output, args: [argument] }, io);
    return { code, ...io.printed };
  }
  const claimed = (machine: string, token = receipt) =>
    host("host-1", { ...heldBy(machine), annotations: { [RECEIPT_ANNOTATION]: token } });

  it("says of a host's genuine receipt what it is a receipt for", async () => {
    const { code, out } = await verify("host-1", [claimed("machine-1")]);
    assert.equal(code, 0);
    assert.equal(
      out.replace(/key \S+/, "key K"),
      [
        "Receipt:    genuine, signed with key K",
        "Host:       PhysicalHost default/host-1",
        "Version:    41",
        "Consumer:   Beskar7Machine/default/machine-1",
        "Admitted:   2026-01-01T00:00:00.000Z",
        "Priority:   160",
        "Term:       none: nobody led",
        "",
      ].join("\n"),
    );
  });

  it("takes a bare receipt, and answers programs too", async () => {
    const { code, out } = await verify(receipt, [], "json");
    assert.equal(code, 0);
    assert.deepEqual([JSON.parse(out).genuine, JSON.parse(out).receipt.priority], [true, 160]);
  });

  it("fails a receipt that was changed", async () => {
    const [head = "", payload = "", signature = ""] = receipt.split(".");
    const other = Buffer.from(payload, "base64url").toString().replace('"priority":160', '"priority":999');
    const forged = [head, Buffer.from(other).toString("base64url"), signature].join(".");
    const { code, out } = await verify("host-1", [claimed("machine-1", forged)]);
    assert.equal(code, 1);
    assert.match(out, /RECEIPT_BAD_SIGNATURE/);
  });

  it("fails a genuine receipt of somebody else's claim", async () => {
    const { code, out } = await verify("host-1", [claimed("machine-2")]);
    assert.equal(code, 1);
    assert.match(out, /its consumer is .*machine-1, not .*machine-2 \(RECEIPT_MISMATCH\)/);
  });

  const cases: [name: string, objects: KubeObject[], err: RegExp][] = [
    ["no such host", [], /^no host host-1 is known$/m],
    ["a host that nobody has", [host("host-1")], /has no consumer/],
    [
      "a host that was claimed past this service",
      [host("host-1", heldBy("machine-1"))],
      /carries no receipt/,
    ],
    ["two hosts of that name", [host("host-1"), host("host-1", { namespace: "b" })], /choose one with -n/],
  ];
  for (const [name, objects, err] of cases) {
    it(`says so for ${name}`, async () => {
      const answer = await verify("host-1", objects);
      assert.equal(answer.code, 1);
      assert.match(answer.err, err);
    });
  }

  it("reads the public keys, and no private ones, where the service keeps them", async () => {
    assert.deepEqual(await jwksOfSecret(secretApi, "beskar7-system", "certs"), jwks);
    assert.equal(JSON.stringify(jwks).includes('"d"'), false);
    assert.deepEqual(await jwksOfSecret(secretApi, "beskar7-system", "other"), { keys: [] });
  });

  it("says where a host was looked for", async () => {
    const io = { ...memoryIo([claimed("machine-1")]), jwks: async () => jwks };
    assert.equal(await runVerify({ namespace: "team-b", output: "text", args: ["host-1"] }, io), 1);
    assert.equal(io.printed.err, "no host host-1 is known in namespace team-b\n");
  });

  it("finds a host where the other kind of hosts is not installed", async () => {
    const io = { ...memoryIo([claimed("machine-1")], ["BareMetalHost"]), jwks: async () => jwks };
    assert.equal(await runVerify({ namespace: "", output: "text", args: ["host-1"] }, io), 0);
  });

  it("does not take keys that can't be had for a receipt that is not good", async () => {
    const io = { ...memoryIo([claimed("machine-1")]), jwks: () => Promise.reject(new Error("no keys")) };
    await assert.rejects(runVerify({ namespace: "", output: "text", args: ["host-1"] }, io), /no keys/);
  });

  it("says which host and term a bare receipt is for", async () => {
    const { code, out } = await verify(receipt);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Host: +uid ${host("host-1").metadata.uid}$`, "m"));
  });
});
