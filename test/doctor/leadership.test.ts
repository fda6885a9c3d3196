import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { PODS } from "../../src/doctor/collect/types.ts";
import { LEASES } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { dropLease, holdLease } from "../e2e/held-lease.ts";
import { LEASE_NAMESPACE, Rig } from "../e2e/rig.ts";
import { diagnose } from "./cluster.ts";
import { holdAndRenew, LEASE_KEY } from "./holder.ts";
import { createPod, replicaPod } from "./pods.ts";

const name = "doctor on who leads";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.start();
    await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", "coordinator-0");
  });
  afterEach(() => dropLease(rig));
  after(() => rig?.stop());

  test("a holder that renews is named, with its pod", async () => {
    const holder = await holdAndRenew(rig.admin, "coordinator-0");
    const { problems, findings } = await diagnose(rig.admin);
    await holder.end();
    const said = findings.filter(({ id }) => id === "lease" || id === "holder").map(({ what }) => what);
    assert.match(said[0]!, /^coordinator-0_\S+ holds beskar7-system\/\S+, and renewed it within \d+\.\d s$/);
    assert.equal(said.at(-1), "The holder is pod beskar7-system/coordinator-0");
    for (const id of ["LeaseNotRenewed", "HolderWithoutPod", "ClockSkew"]) assert(!problems.includes(id), id);
  });

  test("a Lease that nobody holds is told", async () => {
    const spec = { holderIdentity: "", leaseDurationSeconds: 1 };
    await rig.admin.create(LEASES, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: LEASE_KEY,
      spec,
    });
    const { code, of } = await diagnose(rig.admin);
    assert.equal(code, 1);
    assert.match(of("LeaseNotHeld").join(), /^error Nobody holds the Lease beskar7-system\//);
  });

  test("a holder that does not renew, and has no pod, is told", async () => {
    await createPod(rig.admin, replicaPod("coordinator-1"));
    const { identity } = await holdLease(rig, "ghost-0");
    const { of } = await diagnose(rig.admin);
    await rig.admin.delete(PODS, { namespace: LEASE_NAMESPACE, name: "coordinator-1" });
    assert.match(
      of("LeaseNotRenewed").join(),
      /^error ghost-0_\S+ holds \S+ and has not renewed it for \d+\.\d s/,
    );
    assert.deepEqual(of("HolderWithoutPod"), [
      `error The holder ${identity} is no pod of namespace beskar7-system`,
    ]);
  });

  test("an elector that is none of ours is named as such", async () => {
    await holdLease(rig, "coordinator-0", { foreign: true });
    const { of } = await diagnose(rig.admin);
    assert.match(of("LeaseNotRenewed").join(), /, an elector that is none of this service's holds /);
  });

  test("frequent changes of the leader are told", async () => {
    await holdLease(rig, "coordinator-0");
    await rig.admin.patch(LEASES, LEASE_KEY, { type: "merge", body: { spec: { leaseTransitions: 12 } } });
    const { of } = await diagnose(rig.admin);
    assert.match(
      of("LeadershipUnstable").join(),
      /^warning 12 changes of the leader in \d+s, 12\.0 an hour$/,
    );
  });

  test("clocks that differ from the API server's are told, whose and by how much at least", async () => {
    const holder = await holdAndRenew(rig.admin, "coordinator-0", { aheadMs: 60_000 });
    const behind = { ...systemClock, wallMs: () => systemClock.wallMs() - 3_600_000 };
    const { of } = await diagnose(rig.admin, { clock: behind });
    await holder.end();
    const [ours, theirs] = of("ClockSkew").map((what) => / is (\S+) s (\S+)/.exec(what)!);
    assert.match(ours!.input, /^warning This machine's clock/);
    assert.equal(ours![2], "behind");
    assert(Number(ours![1]) > 3_590 && Number(ours![1]) <= 3_600, ours!.input);
    assert.match(theirs!.input, /^warning The holder's clock/);
    assert.equal(theirs![2], "ahead");
    assert(Number(theirs![1]) > 30 && Number(theirs![1]) <= 60, theirs!.input);
  });
});
