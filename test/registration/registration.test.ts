import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import type { ResourceType } from "../../src/kube/api.ts";
import { BARE_METAL_HOSTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import {
  type ControlPlane,
  expectOk,
  skipWithoutControlPlane,
  startControlPlane,
} from "../controlplane/index.ts";
import { hostDefinition } from "./host-definition.ts";
import { type RecordingWebhook, startRecordingWebhook } from "./recording-webhook.ts";
import { BARE_METAL_HOST_WRITES, PHYSICAL_HOST_WRITES } from "./writes.ts";

const name = "the registration in a real API server";

const collection = (type: ResourceType) =>
  `/apis/${type.group}/${type.version}/namespaces/default/${type.plural}`;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  let webhook: RecordingWebhook;

  before(async () => {
    [plane, webhook] = await Promise.all([startControlPlane(), startRecordingWebhook()]);
    for (const type of [PHYSICAL_HOSTS, BARE_METAL_HOSTS]) {
      const body = hostDefinition(type);
      expectOk(await plane.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body }));
    }
    const options = { target: { url: webhook.url }, caPem: webhook.caPem };
    for (const body of [mutatingWebhookConfiguration(options), validatingWebhookConfiguration(options)]) {
      const plural = `${body.kind?.toLowerCase()}s`;
      expectOk(await plane.call("POST", `/apis/admissionregistration.k8s.io/v1/${plural}`, { body }));
    }
    for (const type of [PHYSICAL_HOSTS, BARE_METAL_HOSTS]) await untilAsked(type);
  });
  after(async () => {
    webhook?.close();
    await plane?.stop();
  });

  /** A new configuration is used only once the API server's own watch has brought it: claims until one is asked about. */
  async function untilAsked(type: ResourceType): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      await plane.call("POST", collection(type), host(type, `probe-${attempt}`, undefined));
      await write(type, `probe-${attempt}`, { name: `consumer-${attempt}` });
      if (webhook.take().length === 2) return;
      await sleep(systemClock, 50);
    }
  }

  const host = (type: ResourceType, hostName: string, consumerRef: unknown) => ({
    body: {
      apiVersion: `${type.group}/${type.version}`,
      kind: type.kind,
      metadata: { name: hostName },
      spec: consumerRef === undefined ? { address: "x" } : { address: "x", consumerRef },
    },
  });

  async function write(type: ResourceType, hostName: string, consumerRef: unknown): Promise<void> {
    const path = `${collection(type)}/${hostName}`;
    const now = await plane.call("GET", path);
    if (now.code === 404) return;
    const object = expectOk(now);
    const { body } = host(type, hostName, consumerRef);
    body.metadata = { ...object.metadata, labels: { written: "yes" } };
    expectOk(await plane.call("PUT", path, { body }));
  }

  const tables = [
    { type: PHYSICAL_HOSTS, writes: PHYSICAL_HOST_WRITES },
    { type: BARE_METAL_HOSTS, writes: BARE_METAL_HOST_WRITES },
  ];
  for (const { type, writes } of tables) {
    for (const [index, [what, { from, to, sent }]] of Object.entries(writes).entries()) {
      test(`${type.kind}: ${what} is ${sent ? "asked about, by both webhooks" : "not asked about"}`, async () => {
        const hostName = `host-${index}`;
        expectOk(await plane.call("POST", collection(type), host(type, hostName, from)));
        await write(type, hostName, to);
        assert.deepEqual(webhook.take(), sent ? [`/mutate ${hostName}`, `/validate ${hostName}`] : []);
      });
    }
  }

  test("neither creation, nor deletion, nor a write of the status is asked about", async () => {
    const claimed = host(PHYSICAL_HOSTS, "others", { name: "a" });
    const path = `${collection(PHYSICAL_HOSTS)}/others`;
    expectOk(await plane.call("POST", collection(PHYSICAL_HOSTS), claimed));
    const status = { body: { status: { state: "Ready" } }, contentType: "application/merge-patch+json" };
    expectOk(await plane.call("PATCH", `${path}/status`, status));
    expectOk(await plane.call("DELETE", path));
    assert.deepEqual(webhook.take(), []);
  });
});
