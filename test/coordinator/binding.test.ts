import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FENCE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
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
