import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { DEFAULT_ROTATION, type RotationPolicy, takeStep } from "../../certs/rotation.ts";
import { writeState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  SECRETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryObjects, memoryApi } from "./memory-api.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3600 * 1000;
const policy: RotationPolicy = { ...DEFAULT_ROTATION, dnsNames: ["svc.ns.svc"], ipAddresses: [] };
const target = { service: { namespace: "ns", name: "svc" } };
const desired = [
  mutatingWebhookConfiguration({ target, caPem: "" }),
  validatingWebhookConfiguration({ target, caPem: "" }),
];

function replica(objects: MemoryObjects, clock: ManualClock, api: KubeApi = memoryApi(objects)) {
  return new SelfManagedCertificates({
    store: new SecretStore({ api, namespace: "ns", name: "certs" }),
    keeper: new CaBundleKeeper({ api, desired, log: silentLog }),
    policy,
    clock,
    log: silentLog,
  });
}

function registered(): MemoryObjects {
  const objects = new MemoryObjects();
  objects.put(MUTATING_WEBHOOK_CONFIGURATIONS, desired[0]!);
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, desired[1]!);
  return objects;
}

function bundles(objects: MemoryObjects): string[] {
  return [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS].flatMap((type) =>
    ((objects.get(type, "beskar7-claim-coordinator")?.webhooks ?? []) as never[]).map(
      ({ clientConfig }: { clientConfig: { caBundle?: string } }) =>
        Buffer.from(clientConfig.caBundle ?? "", "base64").toString(),
    ),
  );
}

const storeState = (objects: MemoryObjects, state: Parameters<typeof writeState>[0]) => {
  const entries = Object.entries(writeState(state)).filter((entry) => entry[1] !== null);
  const data = Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text!).toString("base64")]));
  return objects.put(SECRETS, { metadata: { namespace: "ns", name: "certs" }, data });
};

test("two replicas that start at once end with one certificate, trusted by every registration", async () => {
  const objects = registered();
  const clock = new ManualClock(NOW_MS);
  const [a, b] = [replica(objects, clock), replica(objects, clock)];
  await Promise.all([a.look(), b.look()]);
  assert.deepEqual(a.current(), b.current());
  assert.deepEqual([...new Set(bundles(objects))], [a.current().caPem]);
  assert(new X509Certificate(a.current().certPem).checkIssued(new X509Certificate(a.current().caPem)));
});

test("a registration that was deleted stays deleted, and holds nothing up", async () => {
  const objects = registered();
  objects.delete(MUTATING_WEBHOOK_CONFIGURATIONS, "beskar7-claim-coordinator");
  const source = replica(objects, new ManualClock(NOW_MS));
  await source.look();
  assert.equal(objects.get(MUTATING_WEBHOOK_CONFIGURATIONS, "beskar7-claim-coordinator"), undefined);
  assert.equal(bundles(objects).length, 2);
});

test("a service that slept past every expiry recovers with its first look", async () => {
  const objects = registered();
  storeState(objects, takeStep(undefined, "start-over", NOW_MS - 3650 * DAY_MS, policy));
  const source = replica(objects, new ManualClock(NOW_MS));
  await source.look();
  assert(source.current().notAfterMs > NOW_MS);
  assert.deepEqual([...new Set(bundles(objects))], [source.current().caPem]);
});

test("what else is in the Secret stays there", async () => {
  const objects = registered();
  const data = { "receipt-keys.json": "e30=" };
  objects.put(SECRETS, { metadata: { namespace: "ns", name: "certs" }, data });
  await replica(objects, new ManualClock(NOW_MS)).look();
  const stored = objects.get(SECRETS, "certs")?.data as Record<string, string>;
  assert.equal(stored["receipt-keys.json"], "e30=");
});

test("a replica that slept between its two reads can't take a newer authority out of a registration", async () => {
  const objects = registered();
  const clock = new ManualClock(NOW_MS);
  const old = takeStep(undefined, "start-over", NOW_MS - 1, policy);
  storeState(objects, old);
  const direct = memoryApi(objects);
  let woken = false;
  const api: KubeApi = {
    ...direct,
    async get(type, key) {
      const object = await direct.get(type, key);
      if (type === SECRETS && !woken) {
        woken = true;
        storeState(objects, takeStep(old, "prepare-authority", NOW_MS, policy));
        await replica(objects, clock).look();
        assert.match(bundles(objects)[0]!, /(BEGIN[\s\S]*){2}/);
      }
      return object;
    },
  };
  let shortest = Number.POSITIVE_INFINITY;
  const patch = api.patch;
  api.patch = async (...call) => {
    const answer = await patch(...call);
    shortest = Math.min(shortest, ...bundles(objects).map((bundle) => bundle.length));
    return answer;
  };
  await replica(objects, clock, api).look();
  assert.equal(shortest, Number.POSITIVE_INFINITY, "the older bundle was written");
});

test("listeners learn of a certificate that another replica issued, without a restart", async () => {
  const objects = registered();
  const clock = new ManualClock(NOW_MS);
  const source = replica(objects, clock);
  const controller = new AbortController();
  await source.start(controller.signal);
  const changed = new Promise((resolve) => source.onChange(resolve));
  clock.advance(61 * DAY_MS);
  assert.equal(await changed, source.current());
  assert(source.current().notAfterMs > NOW_MS + 140 * DAY_MS);
  controller.abort();
});

test("a start that is given up while the API server is away rejects with the reason", async () => {
  const api = memoryApi(new MemoryObjects(), async () => {
    throw new Error("away");
  });
  const controller = new AbortController();
  const started = replica(new MemoryObjects(), new ManualClock(NOW_MS), api).start(controller.signal);
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error("enough"));
  await assert.rejects(started, /enough/);
});
