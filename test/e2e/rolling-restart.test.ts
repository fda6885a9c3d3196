import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { KubeError } from "../../src/kube/errors.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "./objects.ts";
import { type ProcessReplica, startProcessReplica } from "./process-replica.ts";
import { type PodClient, Rig } from "./rig.ts";

const name = "a rolling restart under continuous claims";
/** As long as a cluster takes to stop sending new connections to a pod that is ending. */
const PROPAGATION_MS = 500;
const WORKERS = 6;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let client: PodClient;
  const running: ProcessReplica[] = [];

  before(async () => {
    rig = await Rig.start();
    client = await rig.podClient("controller-0");
  });
  after(async () => {
    for (const replica of running) await replica.stop("SIGKILL");
    client?.api.close();
    await rig?.stop();
  });

  const start = async (pod: string) => {
    const replica = await startProcessReplica(rig, pod, { stands: false });
    running.push(replica);
    return replica;
  };
  const route = () => rig.balancer.setTargets(running.map(({ port }) => port));

  test("fails no request", async () => {
    await start("old-0");
    await start("old-1");
    route();
    const objects = await Objects.in(rig.admin, "rolling");
    const failures: string[] = [];
    let claims = 0;
    let over = false;
    const claiming = Array.from({ length: WORKERS }, async (_, worker) => {
      let host = await objects.host(`host-${worker}`);
      while (!over) {
        try {
          await objects.claim(client.api, host, `machine-${worker}`);
          claims++;
        } catch (error) {
          failures.push(error instanceof KubeError ? error.message : String(error));
        }
        host = await objects.release(client.api, host.metadata.name);
      }
    });
    for (const pod of ["new-0", "new-1"]) {
      await start(pod);
      route();
      const old = running.shift();
      const ended = old?.stop("SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, PROPAGATION_MS));
      route();
      await ended;
    }
    over = true;
    await Promise.all(claiming);
    assert.deepEqual(failures, [], `of ${claims} claims`);
    assert(claims > WORKERS, "some claims were made");
  });
});
