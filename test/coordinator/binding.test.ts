import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Host } from "../../src/claims/claim.ts";
import { Bindings, type Taking } from "../../src/coordinator/binding.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import { FENCE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { type ClaimRequest, readClaimRequest } from "../../src/requests/claim-request.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";
import { Objects } from "../e2e/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { newWorld } from "./builders.ts";

const NAMESPACE = "default";

/** An API server without sockets, and a replica's world, which sees only what the test shows it. */
async function setUp(...hostNames: string[]) {
  const core = createCore({
    clock: new FakeClock(),
    authorize: () => true,
    callWebhook: async () => assert.fail("no webhook is registered"),
    crds: [...sandboxCrds(), claimRequestDefinition()],
  });
  const api = createSandboxApi(core, ADMIN);
  const world = newWorld();
  const recorder = new Recorder({ api, world, profileFor: profileForKind });
  const bindings = new Bindings({ api, world, recorder, profileFor: profileForKind });
  const objects = new Objects(api, NAMESPACE);
  const object = await objects.machine("machine-1");
  const { apiVersion, kind, namespace, name, uid } = physicalHostProfile.readMachine(object);
  const consumer = { apiVersion, kind, namespace, name, uid };
  const applicant = {
    consumer,
    consumerRef: { ...consumer },
    hostKind: "PhysicalHost",
    namespace: NAMESPACE,
  };
  for (const hostName of hostNames) await objects.host(hostName);
  const host = async (hostName: string): Promise<Host> =>
    physicalHostProfile.readHost(await api.get(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: hostName }));
  const taking = async (hostName: string, changes: Partial<Taking> = {}): Promise<Taking> => ({
    ...applicant,
    host: await host(hostName),
    term: "",
    ...changes,
  });
  const take = async (hostName: string, changes: Partial<Taking> = {}) =>
    bindings.take(await taking(hostName, changes));
  const request = async (): Promise<ClaimRequest> => {
    const key = { namespace: NAMESPACE, name: "beskar7machine-machine-1" };
    return readClaimRequest(await api.get(CLAIM_REQUESTS, key));
  };
  const merge = (hostName: string, body: object) =>
    api.patch(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: hostName }, { type: "merge", body });
  const claim = (hostName: string) => merge(hostName, { spec: { consumerRef: { ...consumer } } });
  const status = async (body: object) => {
    const { namespace, name } = await request();
    const patch = { type: "merge", body: { status: body } } as const;
    world.setRequest(
      readClaimRequest(
        await api.patch(CLAIM_REQUESTS, { namespace, name }, patch, { subresource: "status" }),
      ),
    );
  };
  return { api, applicant, bindings, claim, consumer, host, merge, recorder, request, status, take, world };
}

describe("taking a consumer's binding", () => {
  test("names the host as it is to be written, and puts the finalizer on", async () => {
    const { take, request, host } = await setUp("host-1");
    const taken = await take("host-1", { term: "u1/0/pod-a" });
    assert.equal(taken.ok, true);
    const { phase, binding, hasFinalizer } = await request();
    const { uid, resourceVersion } = await host("host-1");
    assert.deepEqual(
      { phase, binding, hasFinalizer },
      {
        phase: "Binding",
        binding: {
          hostName: "host-1",
          hostUID: uid,
          hostResourceVersion: resourceVersion,
          term: "u1/0/pod-a",
        },
        hasFinalizer: true,
      },
    );
  });

  test("writes nothing when the same one, or one for a later version of the host, is there", async () => {
    const { take, request, host, merge } = await setUp("host-1");
    const early = await host("host-1");
    await merge("host-1", { metadata: { labels: { rack: "1" } } });
    await take("host-1");
    const { resourceVersion } = await request();
    for (const again of [{}, { host: early }]) {
      assert.equal((await take("host-1", again)).ok, true);
      assert.equal((await request()).resourceVersion, resourceVersion);
    }
  });

  test("is refused while a write of another host could still land", async () => {
    const { take, request } = await setUp("host-1", "host-2");
    await take("host-1");
    const { resourceVersion } = await request();
    const taken = await take("host-2");
    assert.deepEqual(taken, { ok: false, reason: "ConsumerHoldsHost", hostName: "host-1", by: "binding" });
    assert.equal((await request()).resourceVersion, resourceVersion);
  });

  test("is refused when the other host turns out to be the consumer's, whatever the mirror shows", async () => {
    const { take, claim } = await setUp("host-1", "host-2");
    await take("host-1");
    await claim("host-1");
    const taken = await take("host-2");
    assert.deepEqual(taken, {
      ok: false,
      reason: "ConsumerHoldsHost",
      hostName: "host-1",
      by: "consumerRef",
    });
  });

  for (const [how, act] of Object.entries({
    "has moved on": (s: Awaited<ReturnType<typeof setUp>>) =>
      s.merge("host-1", { metadata: { labels: { a: "b" } } }),
    "is gone": (s: Awaited<ReturnType<typeof setUp>>) =>
      s.api.delete(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: "host-1" }),
  })) {
    test(`replaces one whose host ${how}`, async () => {
      const all = await setUp("host-1", "host-2");
      await all.take("host-1");
      await act(all);
      assert.equal((await all.take("host-2")).ok, true);
      assert.equal((await all.request()).binding?.hostName, "host-2");
    });
  }

  test("waits for the request of an earlier machine of the same name to go", async () => {
    const { take, request, consumer } = await setUp("host-1");
    await take("host-1");
    const later = { ...consumer, uid: "11111111-2222-3333-4444-555555555555" };
    const taken = await take("host-1", { consumer: later });
    assert.equal(taken.ok === false && taken.reason, "BindingConflict");
    assert.equal((await request()).consumer.uid, consumer.uid);
  });
});

describe("giving a binding back", () => {
  test("fences a host that nobody has written, so that no late write can land", async () => {
    const { bindings, take, request, host, api } = await setUp("host-1");
    const before = await host("host-1");
    await take("host-1");
    await bindings.giveBack(await request(), "Waiting again: the leader changed");
    const { phase, binding, message } = await request();
    assert.deepEqual([phase, binding, message], ["Pending", null, "Waiting again: the leader changed"]);
    const object = await api.get(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: "host-1" });
    assert.equal(object.metadata.annotations?.[FENCE_ANNOTATION], before.resourceVersion);
  });

  test("does not when another write under it has landed", async () => {
    const { bindings, claim, take, request } = await setUp("host-1");
    await take("host-1");
    await claim("host-1");
    await bindings.giveBack(await request(), "Waiting again");
    const { phase, binding } = await request();
    assert.deepEqual([phase, binding?.hostName], ["Binding", "host-1"]);
  });
});

describe("recording an attempt", () => {
  test("does not make wait again who holds a host, though the mirror does not show it yet", async () => {
    const { applicant, claim, recorder, request, status, take } = await setUp("host-1");
    await take("host-1");
    await claim("host-1");
    await status({ phase: "Bound" });
    assert.deepEqual(await recorder.record(applicant), { ok: false, holds: "host-1" });
    const { phase, binding } = await request();
    assert.deepEqual([phase, binding?.hostName], ["Bound", "host-1"]);
  });

  test("makes wait again whose host was released", async () => {
    const { applicant, claim, merge, recorder, request, status, take } = await setUp("host-1");
    await take("host-1");
    await claim("host-1");
    await status({ phase: "Bound" });
    await merge("host-1", { spec: { consumerRef: null } });
    const recorded = await recorder.record(applicant);
    assert.equal(recorded.ok, true);
    const { phase, binding } = await request();
    assert.deepEqual([phase, binding], ["Pending", null]);
  });

  test("keeps in the queue whose request stood for its machine's word only, also after a release", async () => {
    const { applicant, recorder, request, status } = await setUp();
    await recorder.record({ ...applicant, byMachine: true });
    await status({ phase: "Released", binding: null });
    assert.equal((await request()).byMachine, true);
    assert.equal((await recorder.record(applicant)).ok, true);
    const { phase, byMachine } = await request();
    assert.deepEqual([phase, byMachine], ["Pending", false]);
  });
});
