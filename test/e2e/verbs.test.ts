import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { holdLease } from "./held-lease.ts";
import { consumerOf, Objects } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const name = "every way to write a host";
const REVIEWS = "apiserver_admission_webhook_request_total";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let replica: RigReplica;
  let objects: Objects;
  let holder: PodClient;
  let other: PodClient;

  before(async () => {
    rig = await Rig.start();
    replica = await rig.addReplica("coordinator-0", { stands: false });
    holder = await rig.podClient("controller-0");
    other = await rig.podClient("controller-1");
    objects = await Objects.in(rig.admin, "verbs");
    await holdLease(rig, holder.pod);
  });
  after(async () => {
    holder?.api.close();
    other?.api.close();
    await rig?.stop();
  });

  const refTo = (machine: string) => ({
    kind: "Beskar7Machine",
    name: machine,
    namespace: objects.namespace,
  });
  const keyOf = (host: KubeObject) => ({ namespace: objects.namespace, name: host.metadata.name });

  type Write = (client: PodClient, host: KubeObject, machine: string) => Promise<KubeObject>;
  const writes: Record<string, Write> = {
    "a merge patch with a resourceVersion": ({ api }, host, machine) => objects.claim(api, host, machine),
    "a merge patch without one": ({ api }, host, machine) =>
      api.patch(PHYSICAL_HOSTS, keyOf(host), {
        type: "merge",
        body: { spec: { consumerRef: refTo(machine) } },
      }),
    "a merge patch of the name alone": ({ api }, host, machine) =>
      api.patch(PHYSICAL_HOSTS, keyOf(host), {
        type: "merge",
        body: { spec: { consumerRef: { name: machine } } },
      }),
    "a JSON patch": ({ api }, host, machine) =>
      api.patch(PHYSICAL_HOSTS, keyOf(host), {
        type: "json",
        body: [{ op: "add", path: "/spec/consumerRef", value: refTo(machine) }],
      }),
    "an update": ({ api }, host, machine) =>
      api.update(PHYSICAL_HOSTS, {
        ...host,
        spec: { ...(host.spec as object), consumerRef: refTo(machine) },
      }),
    "a server-side apply": ({ api }, host, machine) =>
      api.patch(PHYSICAL_HOSTS, keyOf(host), apply(host, machine), { fieldManager: "test" }),
    "a forced server-side apply": ({ api }, host, machine) =>
      api.patch(
        PHYSICAL_HOSTS,
        keyOf(host),
        { ...apply(host, machine), force: true },
        { fieldManager: "test" },
      ),
  };

  const apply = (host: KubeObject, machine: string) => ({
    type: "apply" as const,
    body: {
      apiVersion: host.apiVersion!,
      kind: host.kind!,
      metadata: keyOf(host),
      spec: { consumerRef: refTo(machine) },
    },
  });

  for (const [index, [what, write]] of Object.entries(writes).entries()) {
    test(`${what}: the holder's passes if the consumer has no host, others' never`, async () => {
      const host = await objects.host(`host-${index}`);
      const spare = await objects.host(`spare-${index}`);
      assert.equal((await refusalOf(write(other, host, `machine-${index}`))).verdict, "Delegated");
      assert.equal(consumerOf(await write(holder, host, `machine-${index}`)), `machine-${index}`);
      const held = await objects.getHost(host.metadata.name);
      assert.equal((await refusalOf(write(holder, held, "thief"))).verdict, "HostHeld");
      assert.equal((await refusalOf(write(holder, spare, `machine-${index}`))).verdict, "ConsumerHoldsHost");
      assert.deepEqual(await objects.hostsOf("thief"), []);
    });
  }

  test("what the API server itself does not let through claims nothing", async () => {
    const host = await objects.host("by-itself");
    const claimed = { ...host, spec: { ...(host.spec as object), consumerRef: refTo("by-itself") } };
    // Of an update of the status it keeps the status only.
    const updated = await other.api.update(PHYSICAL_HOSTS, claimed, { subresource: "status" });
    assert.equal(consumerOf(updated), "");
    const { resourceVersion: _version, ...metadata } = host.metadata;
    const blind = await refusalOf(holder.api.update(PHYSICAL_HOSTS, { ...claimed, metadata }));
    assert.deepEqual([blind.code, blind.verdict], [422, ""]);
  });

  test("an admitted claim carries its stamps", async () => {
    const host = await objects.host("stamped");
    await objects.machine("stamped", { annotations: { "claims.beskar7.io/priority": "7" } });
    await until(
      () => replica.replica.world.consumer(`Beskar7Machine/${objects.namespace}/stamped`) !== undefined,
    );
    const { metadata } = await objects.claim(holder.api, host, "stamped");
    const { "beskar7.io/claimed-at": at = "", ...stamps } = metadata.annotations ?? {};
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const lease = replica.replica.holder.state();
    assert(lease.kind === "valid");
    const { leaseUid, leaseTransitions, holderIdentity } = lease.term;
    assert.deepEqual(stamps, {
      "beskar7.io/claimed-by": `${objects.namespace}/stamped`,
      "claims.beskar7.io/priority": "157",
      "claims.beskar7.io/mode": "leader",
      "claims.beskar7.io/term": `${leaseUid}/${leaseTransitions}/${holderIdentity}`,
      "claims.beskar7.io/requester": "system:serviceaccount:beskar7-system:beskar7",
    });
  });

  test("a dry run is judged, and leaves nothing behind", async () => {
    const pool = await Objects.in(rig.admin, "dry-run");
    await pool.machine("machine");
    const host = await pool.host("host");
    assert.equal(
      (await refusalOf(pool.claim(other.api, host, "machine", { dryRun: true }))).verdict,
      "Delegated",
    );
    const shown = await pool.claim(holder.api, host, "machine", { dryRun: true });
    assert.equal(consumerOf(shown), "machine");
    assert.equal(shown.metadata.annotations?.["claims.beskar7.io/mode"], "leader");
    assert.deepEqual(await pool.getHost("host"), host);
    assert.equal(await pool.phaseOf("machine"), "");
  });

  test("what is no claim is not asked about", async () => {
    const before = await rig.plane.metric(REVIEWS);
    const decided = replica.decisions.length;
    const host = await objects.host("busy");
    await objects.claim(holder.api, host, "busy");
    const asked = (await rig.plane.metric(REVIEWS)) - before;
    assert.equal(asked, 2, "a claim: once by each webhook");
    const key = keyOf(host);
    const merge = (body: object, options = {}) =>
      other.api.patch(PHYSICAL_HOSTS, key, { type: "merge", body }, options);
    await merge({ metadata: { labels: { rack: "7" }, annotations: { note: "x" } } });
    await merge({ status: { state: "InUse" } }, { subresource: "status" });
    await merge({ spec: { consumerRef: { uid: "11111111-2222-4333-8444-555555555555" } } });
    await merge({ spec: { bootIsoSource: "https://boot.example/os.iso" } });
    await merge({ spec: { consumerRef: null } });
    await merge({ spec: { bootIsoSource: null } });
    await other.api.delete(PHYSICAL_HOSTS, key);
    assert.equal((await rig.plane.metric(REVIEWS)) - before, asked);
    assert.equal(replica.decisions.length - decided, 2);
  });

  test("a refused claim is asked about once: the API server does not try a refused write again", async () => {
    const host = await objects.host("refused", { state: "Error" });
    const decided = replica.decisions.length;
    await refusalOf(writes["a merge patch without one"]!(holder, host, "refused"));
    assert.equal(replica.decisions.length - decided, 1);
  });
});
