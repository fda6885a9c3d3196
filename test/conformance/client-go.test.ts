import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LEASES } from "../../src/kube/types.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { buildElector, type ForeignElector, startElector } from "../controlplane/index.ts";

const skip = (await buildElector()) ? false : "client-go's elector needs Go";

/** The suite compares answers; this one lets a program of the real world live on them. */
describe("client-go's leader election on the sandbox", { skip }, () => {
  let sandbox: Sandbox;
  const electors: ForeignElector[] = [];
  before(async () => {
    sandbox = await startSandbox();
  });
  after(async () => {
    await Promise.all(electors.map((elector) => elector.stop("SIGKILL")));
    await sandbox?.close();
  });

  const start = async (identity: string) => {
    const elector = await startElector({
      kubeconfig: sandbox.kubeconfig(),
      namespace: "default",
      name: "trial",
      identity,
      leaseDurationMs: 2_000,
      renewDeadlineMs: 1_500,
      retryPeriodMs: 250,
    });
    electors.push(elector);
    return elector;
  };
  const holder = async () => {
    const lease = await sandbox.api().get(LEASES, { namespace: "default", name: "trial" });
    const { holderIdentity, leaseTransitions } = lease.spec as Record<string, unknown>;
    return { holderIdentity, leaseTransitions };
  };

  test("of three candidates one leads, and another takes over from it when it is killed", async () => {
    const candidates = await Promise.all(["a", "b", "c"].map(start));
    const leading = new Map(candidates.map((candidate) => [candidate, candidate.next("started")]));
    const first = await Promise.race(leading.values());
    assert.equal((await holder()).holderIdentity, first.identity);

    const leads = (candidate: ForeignElector) => candidate.events.some(({ event }) => event === "started");
    const leader = candidates.find(leads)!;
    const followers = candidates.filter((candidate) => !leads(candidate));
    assert.equal(followers.length, 2);
    await Promise.all(followers.map((follower) => follower.next("new-leader", first.identity)));
    await leader.stop("SIGKILL");
    const second = await Promise.race(followers.map((follower) => leading.get(follower)));
    assert.deepEqual(await holder(), { holderIdentity: second?.identity, leaseTransitions: 1 });
  });
});
