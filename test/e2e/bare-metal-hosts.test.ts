import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { BARE_METAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { holdLease } from "./held-lease.ts";
import { consumerOf, Objects } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const name = "Metal3's hosts";
const NAMESPACE = "metal3";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let replica: RigReplica;
  let objects: Objects;
  let holder: PodClient;
  let other: PodClient;

  before(async () => {
    rig = await Rig.start();
    replica = await rig.addReplica("coordinator-0", { stands: false });
    holder = await rig.podClient("capm3-0");
    other = await rig.podClient("capm3-1");
    objects = await Objects.in(rig.admin, NAMESPACE);
    await holdLease(rig, holder.pod);
  });
  after(async () => {
    holder?.api.close();
    other?.api.close();
    await rig?.stop();
  });

  const CLUSTER_API = "cluster.x-k8s.io/v1beta1";
  const machineRef = (machine: string, namespace = NAMESPACE) => ({
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
    kind: "Metal3Machine",
    namespace,
    name: machine,
  });
  const clusterRef = (cluster: string) => ({
    apiVersion: CLUSTER_API,
    kind: "Cluster",
    namespace: NAMESPACE,
    name: cluster,
  });

  const setReference = ({ api }: PodClient, host: string, consumerRef: object | null): Promise<KubeObject> =>
    api.patch(
      BARE_METAL_HOSTS,
      { namespace: NAMESPACE, name: host },
      { type: "merge", body: { spec: { consumerRef } } },
    );

  const known = (machine: string) =>
    until(() => replica.replica.world.consumer(`Metal3Machine/${NAMESPACE}/${machine}`) !== undefined);

  test("are claimed under the same rule", async () => {
    await objects.metal3Machine("ruled");
    await objects.bareMetalHost("ruled");
    await objects.bareMetalHost("provisioned", { state: "provisioned" });
    assert.equal((await refusalOf(setReference(other, "ruled", machineRef("ruled")))).verdict, "Delegated");
    const unavailable = await refusalOf(setReference(holder, "provisioned", machineRef("ruled")));
    assert.match(unavailable.message, /not available: provisioning state is provisioned/);
    assert.equal(consumerOf(await setReference(holder, "ruled", machineRef("ruled"))), "ruled");
    assert.equal((await refusalOf(setReference(holder, "ruled", machineRef("x")))).verdict, "HostHeld");
    assert.equal(
      (await refusalOf(setReference(holder, "provisioned", machineRef("x", "y")))).verdict,
      "ForeignConsumer",
    );
  });

  test("that a machine gives up for its cluster can be claimed by that cluster's machines alone", async () => {
    await objects.metal3Machine("leaving", { cluster: "one" });
    await objects.metal3Machine("of-one", { cluster: "one" });
    await objects.metal3Machine("of-two", { cluster: "two" });
    await objects.bareMetalHost("reused");
    await Promise.all(["leaving", "of-one", "of-two"].map(known));
    await setReference(holder, "reused", machineRef("leaving"));

    const decided = replica.decisions.length;
    await setReference(other, "reused", { ...machineRef("leaving"), ...clusterRef("one") });
    assert.equal(replica.decisions.length, decided, "a reservation is a release: nobody is asked");

    for (const [machine, unknown] of [
      ["of-two", false],
      ["never-seen", true],
    ] as const) {
      const refusal = await refusalOf(setReference(holder, "reused", machineRef(machine)));
      assert.equal(refusal.verdict, "HostUnavailable", `unknown: ${unknown}`);
      assert.match(refusal.message, new RegExp(`reserved for machines of cluster ${NAMESPACE}/one`));
    }
    const passedOn = await refusalOf(setReference(holder, "reused", clusterRef("two")));
    assert.equal(passedOn.verdict, "HostUnavailable");
    assert.equal((await refusalOf(setReference(other, "reused", machineRef("of-one")))).verdict, "Delegated");
    assert.equal(consumerOf(await setReference(holder, "reused", machineRef("of-one"))), "of-one");
    const elsewhere = await objects.bareMetalHost("elsewhere");
    await until(() => replica.replica.world.host(elsewhere.metadata.uid ?? "") !== undefined);
    const second = await refusalOf(setReference(holder, "elsewhere", machineRef("of-one")));
    assert.equal(second.verdict, "ConsumerHoldsHost");
    assert.equal(consumerOf(await setReference(holder, "elsewhere", machineRef("leaving"))), "leaving");
  });

  test("may be claimed across namespaces by a HostClaim of Metal3", async () => {
    const hostClaim = (apiVersion: string) => ({
      apiVersion,
      kind: "HostClaim",
      namespace: "tenant",
      name: "mine",
    });
    const tenant = await Objects.in(rig.admin, "tenant");
    await objects.bareMetalHost("shared");
    const stranger = await refusalOf(setReference(holder, "shared", hostClaim("example.com/v1")));
    assert.equal(stranger.verdict, "ForeignConsumer");
    assert.equal(stranger.code, 403);
    assert.equal(consumerOf(await setReference(holder, "shared", hostClaim("metal3.io/v1alpha1"))), "mine");
    const { status } = await tenant.getRequest("hostclaim-mine");
    assert.equal((status as { hostNamespace: string }).hostNamespace, objects.namespace);
    await objects.bareMetalHost("shared-2");
    const second = await refusalOf(setReference(holder, "shared-2", hostClaim("metal3.io/v1alpha1")));
    assert.equal(second.verdict, "ConsumerHoldsHost");
  });
});
