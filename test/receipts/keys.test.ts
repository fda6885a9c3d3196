import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretStore } from "../../certs/secret-store.ts";
import { SECRETS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { ReceiptKeys } from "../../src/receipts/keys.ts";
import { receiptKeyId, verifyReceipt } from "../../src/receipts/receipt.ts";
import { ManualClock } from "../certs/manual-clock.ts";
import { MemoryObjects, memoryApi } from "../certs/memory-api.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const receipt = {
  hostUID: "h",
  hostResourceVersion: "1",
  consumer: "K/n/c",
  consumerUID: "",
  term: "",
  priority: 100,
  atMs: 0,
};

function setup() {
  const objects = new MemoryObjects();
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const used: { kids: Set<string> | undefined } = { kids: new Set() };
  const replica = () =>
    new ReceiptKeys({
      store: new SecretStore({ api: memoryApi(objects), namespace: "ns", name: "certs" }),
      clock,
      log: silentLog,
      keysInUse: () => used.kids,
    });
  return { objects, clock, used, replica };
}

const secretData = (objects: MemoryObjects) => objects.read(SECRETS, "certs").data as Record<string, string>;

test("replicas that start at once sign with one key, and each verifies the other's receipts", async () => {
  const { replica } = setup();
  const [a, b] = [replica(), replica()];
  await Promise.all([a.look(), b.look()]);
  const token = await a.sign(receipt);
  assert.deepEqual(await verifyReceipt(token, b.jwks()), receipt);
  assert.equal(a.jwks().keys.length, 1);
});

test("what is published holds no private part", async () => {
  const { replica } = setup();
  const keys = replica();
  await keys.look();
  assert.equal(keys.jwks().keys[0]?.d, undefined);
});

test("a new key is published before it signs, and the old one is kept while a host carries its receipt", async () => {
  const { replica, clock, used, objects } = setup();
  const keys = replica();
  await keys.look();
  const old = await keys.sign(receipt);
  used.kids?.add(receiptKeyId(old)!);

  clock.advance(30 * DAY_MS);
  await keys.look();
  assert.equal(keys.jwks().keys.length, 2);
  assert.equal(receiptKeyId(await keys.sign(receipt)), receiptKeyId(old));

  clock.advance(10 * MINUTE_MS);
  await keys.look();
  assert.notEqual(receiptKeyId(await keys.sign(receipt)), receiptKeyId(old));
  const stored = secretData(objects)["receipt-keys.json"]!;
  const privateParts = Buffer.from(stored, "base64").toString().match(/"d":/g);
  assert.equal(privateParts?.length, 1);

  clock.advance(20 * DAY_MS);
  await keys.look();
  assert.deepEqual(await verifyReceipt(old, keys.jwks()), receipt);
  used.kids = undefined;
  await keys.look();
  assert.equal(keys.jwks().keys.length, 2, "hosts not known: nothing is forgotten");
  used.kids = new Set();
  await keys.look();
  await assert.rejects(verifyReceipt(old, keys.jwks()), { code: "RECEIPT_UNKNOWN_KEY" });
});

test("unusable stored keys are replaced, and the rest of the Secret stays", async () => {
  const { replica, objects } = setup();
  const data = { "receipt-keys.json": "bm9uc2Vuc2U=", "tls.crt": "eA==" };
  objects.put(SECRETS, { metadata: { namespace: "ns", name: "certs" }, data });
  const keys = replica();
  await keys.look();
  assert.deepEqual(await verifyReceipt(await keys.sign(receipt), keys.jwks()), receipt);
  assert.equal(secretData(objects)["tls.crt"], "eA==");
});

test("keys that can't be had yet are looked for again, and then the start is over", async () => {
  const { replica, clock, objects } = setup();
  const keys = replica();
  objects.read = () => {
    Reflect.deleteProperty(objects, "read");
    setImmediate(() => clock.advance(1_000));
    throw new Error("away");
  };
  const controller = new AbortController();
  await keys.start(controller.signal);
  assert.equal(keys.ready(), true);
  controller.abort();
});
