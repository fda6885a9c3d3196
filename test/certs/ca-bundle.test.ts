import assert from "node:assert/strict";
import { test } from "node:test";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { MemoryObjects, memoryApi } from "./memory-api.ts";

const wanted = validatingWebhookConfiguration({ target: { url: "https://127.0.0.1:1" }, caPem: "" });
type Entry = Record<string, unknown> & { clientConfig: Record<string, unknown> };
const entriesOf = (object: KubeObject) => object.webhooks as Entry[];

const edits: Record<string, { edit: (object: KubeObject) => void; told: string[] }> = {
  "nothing but the caBundle and server defaults": {
    edit(object) {
      entriesOf(object)[0]!.clientConfig.caBundle = "AAAA";
      entriesOf(object)[0]!.namespaceSelector = {};
    },
    told: [],
  },
  "the failure policy": {
    edit(object) {
      entriesOf(object)[0]!.failurePolicy = "Ignore";
    },
    told: ['physicalhosts.claims.beskar7.io.failurePolicy is "Ignore", not "Fail"'],
  },
  "an exempted namespace": {
    edit(object) {
      entriesOf(object)[1]!.namespaceSelector = { matchLabels: { a: "b" } };
    },
    told: ['baremetalhosts.claims.beskar7.io.namespaceSelector is {"matchLabels":{"a":"b"}}, not {}'],
  },
  "an entry taken out and another put in": {
    edit(object) {
      object.webhooks = [entriesOf(object)[1], { ...entriesOf(object)[0], name: "other.example.io" }];
    },
    told: ["physicalhosts.claims.beskar7.io: missing", "other.example.io: not ours"],
  },
};

for (const [name, { edit, told }] of Object.entries(edits)) {
  test(`of an edit of ${name} this is told, once: ${told.length === 0 ? "nothing" : told.join("; ")}`, async () => {
    const objects = new MemoryObjects();
    const object = structuredClone(wanted);
    edit(object);
    objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, object);
    const heard: (readonly string[])[] = [];
    const keeper = new CaBundleKeeper({
      api: memoryApi(objects),
      desired: [wanted],
      log: silentLog,
    });
    keeper.onEdited((_registration, differences) => heard.push(differences));
    await keeper.read();
    await keeper.read();
    assert.deepEqual(heard, told.length === 0 ? [] : [told]);
  });
}

test("how much is edited is known until it is mended, and of what was deleted nothing is known", async () => {
  const objects = new MemoryObjects();
  const keeper = new CaBundleKeeper({ api: memoryApi(objects), desired: [wanted], log: silentLog });
  const heard: string[] = [];
  keeper.onEdited(({ metadata }, differences) => heard.push(`${metadata.name}: ${differences.length}`));
  const kind = VALIDATING_WEBHOOK_CONFIGURATIONS.kind;
  const edited = structuredClone(wanted);
  for (const entry of entriesOf(edited)) entry.failurePolicy = "Ignore";
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, edited);
  await keeper.read();
  assert.deepEqual([...keeper.edits()], [{ kind, count: 2 }]);
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted);
  await keeper.read();
  assert.deepEqual([...keeper.edits()], [{ kind, count: 0 }]);
  objects.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted.metadata.name);
  await keeper.read();
  assert.deepEqual([...keeper.edits()], []);
  assert.deepEqual(heard, ["beskar7-claim-coordinator: 2", "beskar7-claim-coordinator: 0"]);
});

test("a repair changes the caBundle of our entries and leaves every edit as it is", async () => {
  const objects = new MemoryObjects();
  const object = structuredClone(wanted);
  edits["an entry taken out and another put in"]!.edit(object);
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, object);
  const keeper = new CaBundleKeeper({ api: memoryApi(objects), desired: [wanted], log: silentLog });
  assert.equal(await keeper.repair(await keeper.read(), "trust"), true);
  const [ours, other] = entriesOf(objects.get(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted.metadata.name)!);
  assert.equal(ours?.clientConfig.caBundle, Buffer.from("trust").toString("base64"));
  assert.equal(other?.clientConfig.caBundle, undefined);
});

test("a repair from an old view is refused, and the newer bundle stays", async () => {
  const objects = new MemoryObjects();
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted);
  const keeper = new CaBundleKeeper({ api: memoryApi(objects), desired: [wanted], log: silentLog });
  const old = await keeper.read();
  await keeper.repair(await keeper.read(), "newer");
  assert.equal(await keeper.repair(old, "older"), false);
  assert.equal(keeper.carry(await keeper.read(), "newer"), true);
});
