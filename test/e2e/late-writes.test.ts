import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { FENCE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { CLAIM_REQUESTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { dropLease, holdLease } from "./held-lease.ts";
import { HoldingWebhook } from "./holding-webhook.ts";
import { consumerOf, Objects } from "./objects.ts";
import { readStatus, refusalOf } from "./refusal.ts";
import { type PodClient, Rig, until } from "./rig.ts";

const name = "a claim that was admitted and is stored long after";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let client: PodClient;
  let hold: HoldingWebhook | undefined;
  let pools = 0;

  before(async () => {
    rig = await Rig.start();
    client = await rig.podClient("controller-0");
  });
  afterEach(async () => {
    await hold?.stop();
    hold = undefined;
    for (const replica of rig.replicas) await replica.stop();
    await dropLease(rig);
  });
  after(async () => {
    client?.api.close();
    await rig?.stop();
  });

  const newPool = () => Objects.in(rig.admin, `late-${pools++}`);

  const requestIs = (objects: Objects, machine: string, phase: string) =>
    until(async () => (await objects.phaseOf(machine)) === phase);

  test("gives its machine no second host, without a leader", async () => {
    await rig.addReplica("coordinator-0", { stands: false });
    const objects = await newPool();
    await objects.machine("machine");
    const [slow, other] = [await objects.host("slow"), await objects.host("other")];
    hold = await HoldingWebhook.start(rig, { kind: "validating", namespace: objects.namespace });
    const late = refusalOf(objects.claim(client.api, slow, "machine"));
    await requestIs(objects, "machine", "Binding");
    await until(() => hold?.held === 1);
    const meanwhile = await refusalOf(objects.claim(client.api, other, "machine"));
    assert.equal(meanwhile.verdict, "ConsumerHoldsHost");
    await requestIs(objects, "machine", "Pending");
    hold.release();
    assert.equal((await late).verdict, "", "storage refuses it: the host has moved on");
    assert.equal((await late).reason, "Conflict");
    await objects.claimInTheEnd(client.api, "other", "machine");
    assert.deepEqual(await objects.hostsOf("machine"), ["other"]);
  });

  test("gives its machine no second host when it names no version: the API server tries it again, and asks", async () => {
    await rig.addReplica("coordinator-0", { stands: false });
    const objects = await newPool();
    await objects.machine("machine");
    await objects.host("slow");
    await objects.host("other");
    // Only the slow host's writes are held, so that the machine can have the other one in the meantime.
    const condition = "has(object.spec.consumerRef) && object.metadata.name == 'slow'";
    hold = await HoldingWebhook.start(rig, { kind: "validating", namespace: objects.namespace, condition });
    const path = `/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/${objects.namespace}/physicalhosts/slow`;
    const consumerRef = { kind: "Beskar7Machine", name: "machine", namespace: objects.namespace };
    const late = rig.plane.call("PATCH", path, {
      body: { spec: { consumerRef } },
      contentType: "application/merge-patch+json",
      token: client.token,
    });
    await until(() => hold?.held === 1);
    await requestIs(objects, "machine", "Pending");
    await objects.claimInTheEnd(client.api, "other", "machine");
    hold.release();
    const answer = await late;
    assert.equal(readStatus(answer.json()).verdict, "ConsumerHoldsHost", answer.text);
    assert.deepEqual(await objects.hostsOf("machine"), ["other"]);
  });

  test("gives its machine no second host, with a leader whose own write it was", async () => {
    const leader = await rig.addReplica("coordinator-0");
    await until(() => leader.replica.isLeading());
    const objects = await newPool();
    await Promise.all(["slow", "spare"].map((host) => objects.host(host)));
    hold = await HoldingWebhook.start(rig, { kind: "validating", namespace: objects.namespace });
    await objects.machine("machine", { waiting: true });
    await until(() => hold?.held === 1);
    await requestIs(objects, "machine", "Binding");
    // The controller gives up on the write, spends the host's version, and the machine waits again.
    await requestIs(objects, "machine", "Pending");
    hold.release();
    await requestIs(objects, "machine", "Bound");
    assert.equal((await objects.hostsOf("machine")).length, 1);
  });

  test("gives its machine no second host, though another leader has served it since", async () => {
    const first = await rig.addReplica("coordinator-0");
    await until(() => first.replica.isLeading());
    const objects = await newPool();
    await objects.host("host-1");
    hold = await HoldingWebhook.start(rig, { kind: "validating", namespace: objects.namespace });
    await objects.machine("machine", { waiting: true });
    await until(() => hold?.held === 1);
    const second = await rig.addReplica("coordinator-1", { stands: false });
    rig.route(second);
    assert.equal(await objects.phaseOf("machine"), "Binding");
    await objects.host("host-2");
    // The pod that holds the Lease now claims by itself what the former leader's write is still on its way to.
    const successor = await rig.podClient("successor");
    await holdLease(rig, "successor", { foreign: true });
    await requestIs(objects, "machine", "Pending");
    const claim = objects.claimInTheEnd(successor.api, "host-2", "machine");
    await until(() => hold?.held === 2);
    hold.release();
    await claim;
    successor.api.close();
    await requestIs(objects, "machine", "Bound");
    assert.deepEqual(await objects.hostsOf("machine"), ["host-2"]);
    assert.equal(consumerOf(await objects.getHost("host-1")), "");
  });

  test("its request can be deleted, and goes only once it is settled", async () => {
    await rig.addReplica("coordinator-0", { stands: false });
    const objects = await newPool();
    await objects.machine("machine");
    const slow = await objects.host("slow");
    hold = await HoldingWebhook.start(rig, { kind: "validating", namespace: objects.namespace });
    const late = refusalOf(objects.claim(client.api, slow, "machine"));
    await requestIs(objects, "machine", "Binding");
    await until(() => hold?.held === 1);
    const key = { namespace: objects.namespace, name: "beskar7machine-machine" };
    await rig.admin.delete(CLAIM_REQUESTS, key);
    const meanwhile = await refusalOf(objects.claim(client.api, await objects.host("other"), "machine"));
    assert.equal(meanwhile.verdict, "ConsumerHoldsHost");
    await requestIs(objects, "machine", "");
    const { annotations } = (await objects.getHost("slow")).metadata;
    assert.equal(annotations?.[FENCE_ANNOTATION], slow.metadata.resourceVersion);
    hold.release();
    assert.equal((await late).verdict, "", "storage refuses it");
    await objects.claimInTheEnd(client.api, "other", "machine");
    assert.deepEqual(await objects.hostsOf("machine"), ["other"]);
  });
});
