import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isNotFound } from "../../src/kube/errors.ts";
import { LEASES } from "../../src/kube/types.ts";
import { readLease } from "../../src/leader/lease.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { ContinuousClaims } from "./continuous-claims.ts";
import { Objects } from "./objects.ts";
import { type ProcessReplica, startProcessReplica } from "./process-replica.ts";
import { LEASE_NAME, LEASE_NAMESPACE, type PodClient, Rig, until } from "./rig.ts";

const name = "a rolling restart under continuous claims";
/** As long as a cluster takes to stop sending new connections to a pod that is ending. */
const PROPAGATION_MS = 500;
const CLIENTS = 6;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 180_000 }, () => {
  let rig: Rig;
  const clients: PodClient[] = [];
  const running: ProcessReplica[] = [];

  before(async () => {
    rig = await Rig.start();
    for (let index = 0; index < CLIENTS; index++) clients.push(await rig.podClient(`controller-${index}`));
  });
  after(async () => {
    for (const replica of running) await replica.stop("SIGKILL");
    for (const client of clients) client.api.close();
    await rig?.stop();
  });

  const start = async (pod: string, stands: boolean) => {
    const replica = await startProcessReplica(rig, pod, { stands });
    running.push(replica);
    return replica;
  };
  const route = () => rig.balancer.setTargets(running.map(({ port }) => port));

  /** The first of those that run ends as SIGTERM makes it end; reviews go to it for a while. */
  async function endOldest(): Promise<void> {
    const ended = running.shift()?.stop("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, PROPAGATION_MS));
    route();
    await ended;
  }

  /** The pod that holds the Lease now; "" for none. */
  async function leader(): Promise<string> {
    try {
      const lease = await rig.admin.get(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
      return readLease(lease).holderIdentity.split("_")[0] ?? "";
    } catch (error) {
      if (isNotFound(error)) return "";
      throw error;
    }
  }

  test("fails no claim while nobody leads", async () => {
    await start("old-0", false);
    await start("old-1", false);
    route();
    const claims = await ContinuousClaims.start(await Objects.in(rig.admin, "rolling"), clients);
    for (const pod of ["new-0", "new-1"]) {
      await start(pod, false);
      route();
      await endOldest();
    }
    await claims.stop();
    assert.deepEqual([claims.failures, [...claims.refusals]], [[], []], `of ${claims.claimed} claims`);
    assert.ok(claims.claimed > CLIENTS, "some claims were made");
  });

  test("fails no claim where each one in its turn leads, and whoever follows serves the queue", async () => {
    while (running.length > 0) await running.shift()?.stop("SIGTERM");
    await start("leader-0", true);
    route();
    await until(async () => (await leader()) === "leader-0");
    const claims = await ContinuousClaims.start(await Objects.in(rig.admin, "rolling-leaders"), clients);
    for (const pod of ["leader-1", "leader-2", "leader-3"]) {
      const servedBefore = claims.served;
      await claims.until(() => claims.served > servedBefore);
      await start(pod, true);
      route();
      await endOldest();
      await claims.until(async () => (await leader()) === pod);
    }
    const servedBefore = claims.served;
    await claims.until(() => claims.served > servedBefore);
    await claims.stop();
    assert.deepEqual(claims.failures, [], `of ${claims.claimed} claims, refused ${[...claims.refusals]}`);
    assert.ok((claims.refusals.get("Delegated") ?? 0) > 0, "there was a leader");
  });
});
