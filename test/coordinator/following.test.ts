import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Following } from "../../src/coordinator/following.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../src/kube/api.ts";
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
  const deaf: KubeApi = {
    ...api,
    watch: (_type, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
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
  return { ...parts, following, recorded, remove, list: () => following.refresh(end.signal) };
}

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
  assert.equal(world.host(late.host.uid), undefined);
  assert.equal(world.requestOf(late.request.consumer), null);
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
