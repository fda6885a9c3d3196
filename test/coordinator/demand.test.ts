import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Demand } from "../../src/coordinator/demand.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { consumer, host, machine, newWorld } from "./builders.ts";

function setUp(leads = true) {
  const world = newWorld();
  const created: KubeObject[] = [];
  const patched: unknown[] = [];
  const api = {
    create: async (_type: unknown, object: KubeObject) => {
      created.push(object);
      return {
        ...object,
        metadata: { ...object.metadata, uid: `uid-${created.length}`, resourceVersion: "7" },
      };
    },
    patch: async (_type: unknown, _key: unknown, patch: { body: unknown }) => {
      patched.push(patch.body);
      const { annotations: _gone, ...metadata } = created[0]!.metadata;
      return { ...created[0]!, metadata: { ...metadata, uid: "uid-1", resourceVersion: "8" } };
    },
  } as unknown as KubeApi;
  const recorder = new Recorder({ api, world, profileFor: profileForKind });
  const demand = new Demand({
    world,
    recorder,
    clock: new FakeClock(),
    log: silentLog,
    random: () => 0.5,
    profileForMachine: profileForMachineKind,
    leads: () => leads,
  });
  demand.start(new AbortController().signal);
  world.onConsumer((key) => demand.consider(key));
  return { world, created, patched, recorder };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const waiting = (world: ReturnType<typeof newWorld>) =>
  [...world.queue.place()].map(({ claim }) => claim.consumer.name);

describe("a machine that says itself that it waits", () => {
  test("gets its ClaimRequest from the leader, once", async () => {
    const { world, created } = setUp();
    world.setMachine(machine("machine-1"));
    await settled();
    world.setMachine(machine("machine-1", { bonusPoints: 60 }));
    await settled();
    assert.equal(created.length, 1);
    const request = readClaimRequest(created[0]!);
    assert.deepEqual([request.name, request.byMachine], ["beskar7machine-machine-1", true]);
    assert.equal(created[0]!.metadata.ownerReferences?.[0]?.uid, "uid-machine-1");
  });

  test("gets none from a replica that does not lead, nor when it does not wait", async () => {
    const other = setUp(false);
    other.world.setMachine(machine("machine-1"));
    const { world, created } = setUp();
    world.setMachine(machine("machine-1", { waits: false }));
    await settled();
    assert.deepEqual([other.created.length, created.length], [0, 0]);
  });

  test("leaves the queue with its own word, although the request is still there", async () => {
    const { world } = setUp();
    world.setHost(host("host-1"));
    world.setMachine(machine("machine-1"));
    await settled();
    assert.deepEqual(waiting(world), ["machine-1"]);
    world.setMachine(machine("machine-1", { waits: false }));
    assert.deepEqual(waiting(world), []);
  });

  test("waits on, whatever it says, once it has tried to claim a host", async () => {
    const { world, recorder, patched } = setUp();
    world.setHost(host("host-1"));
    world.setMachine(machine("machine-1"));
    await settled();
    const one = { consumer: consumer("machine-1"), hostKind: "PhysicalHost", namespace: "default" };
    assert.equal(recorder.isRecorded(one), true);
    world.setMachine(machine("machine-1", { waits: false }));
    assert.equal(recorder.isRecorded(one), false);
    await recorder.record({ ...one, consumerRef: {} });
    assert.deepEqual(patched, [
      { metadata: { uid: "uid-1", annotations: { "claims.beskar7.io/demand": null } } },
    ]);
    assert.equal(recorder.isRecorded(one), true);
    assert.deepEqual(waiting(world), ["machine-1"]);
  });
});
