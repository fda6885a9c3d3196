import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BARE_METAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "./objects.ts";
import { Rig, until } from "./rig.ts";

const name = "Metal3's node reuse";
const NODE_REUSE = "infrastructure.cluster.x-k8s.io/node-reuse";
const FAILURE_DOMAIN = "infrastructure.cluster.x-k8s.io/failure-domain";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let objects: Objects;

  before(async () => {
    rig = await Rig.start();
    const { replica } = await rig.addReplica("coordinator-0");
    objects = await Objects.in(rig.admin, "reuse");
    await until(() => replica.isLeading());
  });
  after(() => rig?.stop());

  const getHost = (host: string) => rig.admin.get(BARE_METAL_HOSTS, { namespace: "reuse", name: host });
  const consumer = async (host: string) => consumerOf(await getHost(host));
  const inGroup = (group: string) => ({ "cluster.x-k8s.io/deployment-name": group });

  test("a host kept for one group goes to no other, and to its own before all others", async () => {
    const cluster = {
      apiVersion: "cluster.x-k8s.io/v1beta1",
      kind: "Cluster",
      namespace: "reuse",
      name: "cluster-1",
    };
    const kept = { [NODE_REUSE]: "md-workers" };
    await objects.bareMetalHost("b-kept", { labels: kept, consumerRef: cluster });
    await objects.bareMetalHost("c-labelled", { labels: { [NODE_REUSE]: "md-others" } });
    await objects.metal3Machine("gpu-0", { waiting: true, labels: inGroup("gpu") });
    await objects.bareMetalHost("d-spare");
    await until(async () => (await consumer("d-spare")) === "gpu-0");
    assert.equal(await consumer("b-kept"), "cluster-1");
    assert.equal(await consumer("c-labelled"), "");

    await objects.bareMetalHost("a-zone", { labels: { [FAILURE_DOMAIN]: "zone-1" } });
    const inZone = { waiting: true, failureDomain: "zone-1", labels: inGroup("workers") };
    await objects.metal3Machine("worker-0", inZone);
    await until(async () => (await consumer("b-kept")) === "worker-0");
    assert.equal(NODE_REUSE in ((await getHost("b-kept")).metadata.labels ?? {}), false);
    await objects.metal3Machine("worker-1", inZone);
    await until(async () => (await consumer("a-zone")) === "worker-1");
    assert.equal(await consumer("c-labelled"), "");
  });
});
