import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { poolKey } from "../../src/claims/claim.ts";
import { Bindings } from "../../src/coordinator/binding.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { FENCE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { bareMetalHostProfile } from "../../src/hosts/bare-metal-host.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import { BARE_METAL_HOSTS, CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import { Objects } from "../e2e/objects.ts";
import { newWorld } from "./builders.ts";
import { NAMESPACE, setUp } from "./replica-parts.ts";

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

  test("does not take a request for another consumer that has its name, nor does anybody", async () => {
    const { api, applicant, recorder, take, world } = await setUp("host-1");
    const rack = (name: string) => ({ ...applicant.consumer, kind: "Rack", name, uid: "" });
    await api.create(CLAIM_REQUESTS, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      metadata: { namespace: NAMESPACE, name: "rack-a" },
      spec: { consumerRef: { kind: "Rack", name: "victim" } },
    });
    const consumer = rack("a");
    const recorded = await recorder.record({ ...applicant, consumer });
    const taken = await take("host-1", { consumer });
    for (const refused of [recorded, taken]) {
      assert.match(
        "detail" in refused ? refused.detail : "",
        /rack-a has its name and is for another consumer/,
      );
    }
    assert.deepEqual([...world.requests()], []);
    assert.equal(world.requestOf(rack("victim")), null);
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

  for (const [what, detail, act] of [
    ["released", null, "release"],
    ["deleted", "its ClaimRequest is being deleted", "delete"],
  ] as const) {
    test(`does not believe the late answer to a creation when it was seen ${what} since`, async () => {
      const { api, applicant, recorder, request, status, world } = await setUp();
      const create = api.create;
      api.create = async (...call) => {
        const answer = await create(...call);
        await status({ phase: "Released", binding: null });
        if (act === "delete") world.deleteRequest((await request()).uid);
        return answer;
      };
      const recorded = await recorder.record(applicant);
      if (detail !== null) assert.deepEqual(recorded, { ok: false, detail });
      else assert.equal((await request()).phase, "Pending");
    });
  }
});

describe("a consumer that may claim across namespaces", () => {
  const hostClaim = {
    apiVersion: "metal3.io/v1alpha1",
    kind: "HostClaim",
    namespace: "team",
    name: "claim-1",
    uid: "22222222-3333-4444-5555-666666666666",
  };
  const applicant = (namespace: string) => ({
    consumer: hostClaim,
    consumerRef: { ...hostClaim },
    hostKind: "BareMetalHost",
    namespace,
  });

  async function twoNamespaces() {
    const parts = await setUp();
    for (const namespace of ["team", "op-a", "op-b"]) {
      const objects = await Objects.in(parts.api, namespace);
      if (namespace !== "team") await objects.bareMetalHost("host-1");
    }
    const host = async (namespace: string) =>
      bareMetalHostProfile.readHost(await parts.api.get(BARE_METAL_HOSTS, { namespace, name: "host-1" }));
    const take = async (namespace: string, bindings = parts.bindings) =>
      bindings.take({ ...applicant(namespace), host: await host(namespace), term: "" });
    const request = async () =>
      readClaimRequest(await parts.api.get(CLAIM_REQUESTS, { namespace: "team", name: "hostclaim-claim-1" }));
    return { ...parts, request, take };
  }

  test("has one request, beside it, so that it gets one host wherever the hosts are", async () => {
    const { api, request, take } = await twoNamespaces();
    assert.equal((await take("op-a")).ok, true);
    assert.equal((await request()).hostNamespace, "op-a");
    // Another replica, which has not been told of the request yet.
    const world = newWorld();
    const recorder = new Recorder({ api, world, profileFor: profileForKind });
    const other = new Bindings({ api, world, recorder, profileFor: profileForKind });
    assert.deepEqual(await take("op-b", other), {
      ok: false,
      reason: "ConsumerHoldsHost",
      hostName: "host-1",
      by: "binding",
    });
  });

  test("waits where it tried last", async () => {
    const { recorder, request, world } = await twoNamespaces();
    await recorder.record(applicant("op-a"));
    assert.equal(recorder.isRecorded(applicant("op-b")), false);
    await recorder.record(applicant("op-b"));
    assert.equal((await request()).hostNamespace, "op-b");
    assert.equal(recorder.isRecorded(applicant("op-b")), true);
    assert.deepEqual(
      world.queue.pools().map(({ pool }) => pool),
      [poolKey("BareMetalHost", "op-b")],
    );
  });
});

describe("a consumer with a request for one kind of host", () => {
  test("gets none of another kind, where its binding would be looked for in vain", async () => {
    const { applicant, recorder, take } = await setUp("host-1");
    await take("host-1");
    const detail =
      "its ClaimRequest default/beskar7machine-machine-1 asks for a PhysicalHost; delete it to claim a BareMetalHost";
    const taken = await take("host-1", { hostKind: "BareMetalHost" });
    assert.deepEqual(taken, { ok: false, reason: "BindingConflict", detail });
    assert.deepEqual(await recorder.record({ ...applicant, hostKind: "BareMetalHost" }), {
      ok: false,
      detail,
    });
  });
});
