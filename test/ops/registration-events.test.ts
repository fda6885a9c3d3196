import assert from "node:assert/strict";
import { test } from "node:test";
import { EventRecorder } from "../../src/coordinator/events.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { registrationEvents } from "../../src/ops/registration-events.ts";
import { validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";

const wanted = validatingWebhookConfiguration({ target: { url: "https://x" }, caPem: "" });
const registration = { ...wanted, metadata: { ...wanted.metadata, uid: "registration-uid" } };

function setUp() {
  const written: KubeObject[] = [];
  const create: KubeApi["create"] = async (_type, object) => {
    written.push(object);
    return object;
  };
  const events = new EventRecorder({
    api: { create } as KubeApi,
    clock: new FakeClock(),
    log: silentLog,
    random: () => 0.5,
    component: "test",
    instance: "replica-0",
  });
  return { events, written };
}

test("an edited registration gets a Warning, a mended one a word that it is, both on itself", async () => {
  const { events, written } = setUp();
  const tell = registrationEvents(events, () => true);
  tell(registration, ["a is 1, not 2", "b: missing"]);
  tell(registration, []);
  await settled();
  const told = written.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  assert.deepEqual(told, [
    "Warning RegistrationEdited: It is not as it was installed: a is 1, not 2; b: missing",
    "Normal RegistrationMended: It is as it was installed again",
  ]);
  for (const { metadata, involvedObject } of written) {
    assert.equal(metadata.namespace, "default");
    assert.deepEqual(involvedObject, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: VALIDATING_WEBHOOK_CONFIGURATIONS.kind,
      namespace: "",
      name: wanted.metadata.name,
      uid: "registration-uid",
    });
  }
});

test("a replica that another one speaks for says nothing, and no word is longer than an Event may be", async () => {
  const { events, written } = setUp();
  registrationEvents(events, () => false)(registration, ["x"]);
  registrationEvents(events, () => true)(registration, ["x".repeat(5_000)]);
  await settled();
  assert.deepEqual(
    written.map(({ message }) => String(message).length),
    [1024],
  );
});
