import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Following } from "../../src/coordinator/following.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeObject, KubeStatus, ResourceType } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import { NAMESPACE, setUp } from "./replica-parts.ts";

/** Mirrors whose watches never bring anything: only lists do. */
async function lists(t: TestContext) {
  const parts = await setUp("host-1");
  const { api, applicant, clock, recorder, request, world } = parts;
  const end = new AbortController();
  t.after(() => end.abort());
  const deaf = {
    ...api,
    watch: (_type: ResourceType, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  };
  const following = new Following({
    api: deaf,
    clock,
    log: silentLog,
    random: () => 0.5,
    world,
    profiles: [physicalHostProfile],
    leaseNamespace: NAMESPACE,
    leaseName: "lease",
    relistMs: 600_000,
    onLease() {},
    onHostTerm() {},
    onMachineProblems() {},
  });
  following.start(end.signal);
  await following.whenSynced();
  const remove = async (type: ResourceType, { metadata: { name } }: KubeObject) => {
    const key = { namespace: NAMESPACE, name };
    await api.patch(type, key, { type: "merge", body: { metadata: { finalizers: null } } });
    await api.delete(type, key);
  };
  await recorder.ensure(applicant, {});
  const { name } = await request();
  const recorded = await api.get(CLAIM_REQUESTS, { namespace: NAMESPACE, name });
  return { ...parts, deaf, following, recorded, remove, list: () => following.refresh(end.signal) };
}

const NOT_SERVED: KubeStatus = {
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  code: 404,
  reason: "NotFound",
  message: "not served",
};

test("what was made and deleted between two lists is not known for ever", async (t) => {
  const { list, recorded, remove, world } = await lists(t);
  const { uid, consumer } = readClaimRequest(recorded);
  assert.equal(world.requestOf(consumer)?.uid, uid, "by the answer to its creation");
  await remove(CLAIM_REQUESTS, recorded);
  await list();
  assert.equal(world.requestOf(consumer), null);
});

test("an answer that comes after its object is gone brings it not back", async (t) => {
  const { api, list, recorded, remove, world } = await lists(t);
  const host = await api.get(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: "host-1" });
  const { uid: _uid, resourceVersion: _version, ...metadata } = host.metadata;
  const made = await api.create(PHYSICAL_HOSTS, { ...host, metadata: { ...metadata, name: "host-2" } });
  await remove(PHYSICAL_HOSTS, made);
  await remove(CLAIM_REQUESTS, recorded);
  await list();
  const late = { host: physicalHostProfile.readHost(made), request: readClaimRequest(recorded) };
  world.setHost(late.host);
  world.setRequest(late.request);
  // The answers are doubted, and looked after by a list: this one comes behind it.
  await list();
  assert.equal(world.host(late.host.uid), undefined);
  assert.equal(world.requestOf(late.request.consumer), null);
});

test("a kind that is not served for a moment comes back with the same objects", async (t) => {
  const { api, deaf, list, recorded, world } = await lists(t);
  await list();
  const { consumer, uid } = readClaimRequest(recorded);
  const host = await api.get(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: "host-1" });
  deaf.list = () => Promise.reject(new KubeError("KUBE_STATUS", "not served", { status: NOT_SERVED }));
  await list();
  assert.deepEqual([world.host(host.metadata.uid ?? ""), world.requestOf(consumer)], [undefined, null]);
  deaf.list = api.list;
  await list();
  assert.deepEqual(
    [world.host(host.metadata.uid ?? "")?.name, world.requestOf(consumer)?.uid],
    ["host-1", uid],
  );
});

test("what is made after a server was restored, under versions that were seen before, is known at once and stays", async (t) => {
  const { list, recorded, world } = await lists(t);
  await list();
  const { consumer, uid } = readClaimRequest(recorded);
  world.deleteRequest(uid, false);
  world.setRequest({ ...readClaimRequest(recorded), resourceVersion: "1" });
  assert.equal(world.requestOf(consumer)?.uid, uid);
  await list();
  assert.equal(world.requestOf(consumer)?.uid, uid);
});

test("an answer that is ahead of the mirrors is believed", async (t) => {
  const { api, list, world } = await lists(t);
  await list();
  const key = { namespace: NAMESPACE, name: "host-1" };
  const host = await api.get(PHYSICAL_HOSTS, key);
  const { uid: _uid, resourceVersion: _version, ...metadata } = host.metadata;
  const made = await api.create(PHYSICAL_HOSTS, { ...host, metadata: { ...metadata, name: "host-2" } });
  world.setHost(physicalHostProfile.readHost(made));
  assert.notEqual(world.host(made.metadata.uid ?? ""), undefined);
  await list();
  assert.notEqual(world.host(made.metadata.uid ?? ""), undefined);
});
