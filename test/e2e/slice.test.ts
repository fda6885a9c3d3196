import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeClient } from "../../src/kube/client.ts";
import type { KubeError } from "../../src/kube/errors.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects, phaseOf } from "./objects.ts";
import { apiFor, Rig, type RigReplica, until } from "./rig.ts";

describe("a claim on a real API server", {
  skip: await skipWithoutControlPlane("e2e slice"),
  timeout: 120_000,
}, () => {
  let rig: Rig;
  let one: RigReplica;
  let controller: KubeClient;
  let objects: Objects;

  before(async () => {
    rig = await Rig.start();
    one = await rig.addReplica("coordinator-0", { stands: true });
    controller = apiFor(
      rig.plane.kubeconfig({ token: await rig.plane.podToken("beskar7-system", "beskar7", "controller-0") }),
    );
    objects = await Objects.in(rig.admin, "default-pool");
  });
  after(async () => {
    controller?.close();
    await rig?.stop();
  });

  test("is refused while somebody else holds the Lease, and then fulfilled by the holder", async () => {
    await until(() => one.replica.isLeading());
    await objects.machine("machine-1");
    const host = await objects.host("host-1", { state: "Inspecting" });
    await objects.host("host-2", { state: "Inspecting" });
    await assert.rejects(objects.claim(controller, host, "machine-1"), (error: KubeError) => {
      assert.equal(error.status?.code, 409);
      assert.match(error.message, /not available: state is Inspecting/);
      return true;
    });
    await objects.machine("machine-2", { waiting: true });
    const free = await objects.host("host-3");
    await until(async () => consumerOf(await objects.getHost("host-3")) === "machine-2");
    await until(async () => phaseOf(await objects.getRequest("beskar7machine-machine-2")) === "Bound");
    await assert.rejects(
      objects.claim(controller, free, "machine-1"),
      (error: KubeError) => error.status?.code === 409,
    );
  });
});
