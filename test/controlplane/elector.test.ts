import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  buildElector,
  type ControlPlane,
  type ForeignElector,
  skipWithoutControlPlane,
  startControlPlane,
  startElector,
} from "./index.ts";

const name = "client-go's elector";

const skip = (await skipWithoutControlPlane(name)) || ((await buildElector()) ? false : "needs Go");

describe(name, { skip }, () => {
  let plane: ControlPlane;
  const electors: ForeignElector[] = [];
  before(async () => {
    plane = await startControlPlane();
  });
  after(async () => {
    await Promise.all(electors.map((elector) => elector.stop("SIGKILL")));
    await plane?.stop();
  });

  const start = async (identity: string) => {
    const elector = await startElector({
      kubeconfig: plane.kubeconfig(),
      namespace: "default",
      name: "trial",
      identity,
      leaseDurationMs: 3_000,
      renewDeadlineMs: 2_000,
      retryPeriodMs: 250,
      releaseOnCancel: true,
    });
    electors.push(elector);
    return elector;
  };

  test("a second candidate follows, and leads once the first has released the Lease", async () => {
    const first = await start("first");
    await first.next("started");
    const second = await start("second");
    await second.next("new-leader", "first");
    await first.stop("SIGTERM");
    await second.next("started");
    const lease = await plane.call("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/trial");
    assert.equal(lease.json().spec.holderIdentity, "second");
    assert.equal(lease.json().spec.leaseTransitions, 1);
    await assert.rejects(first.next("new-leader", "nobody"), /ended without/);
  });
});
