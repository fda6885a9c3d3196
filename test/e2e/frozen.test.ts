import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LEASES } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { holdLease } from "./held-lease.ts";
import { Objects } from "./objects.ts";
import { type ProcessReplica, startProcessReplica } from "./process-replica.ts";
import { LEASE_NAME, LEASE_NAMESPACE, Rig, type RigReplica, until } from "./rig.ts";

const name = "a holder whose process is frozen past its Lease";
const MACHINES = 16;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let frozen: ProcessReplica;
  let judge: RigReplica;

  before(async () => {
    rig = await Rig.start();
    frozen = await startProcessReplica(rig, "coordinator-frozen");
    await frozen.logged("Became leader for claim coordination");
    judge = await rig.addReplica("coordinator-1", { stands: false });
    rig.route(judge);
  });
  after(async () => {
    frozen?.thaw();
    await frozen?.stop();
    await rig?.stop();
  });

  test("claims nothing when it wakes, and serves everybody once it is elected again", async () => {
    const pool = await Objects.in(rig.admin, "frozen");
    const machines = Array.from({ length: MACHINES }, (_, index) => `machine-${index}`);
    const bound = async () => (await pool.holdings()).length;
    const arriving = (async () => {
      for (const [index, machine] of machines.entries()) {
        await Promise.all([pool.machine(machine, { waiting: true }), pool.host(`host-${index}`)]);
      }
    })();
    await until(async () => (await bound()) >= MACHINES / 8);
    frozen.freeze();
    await arriving;
    await until(() => judge.replica.holder.state().kind === "none");

    // The next holder has no process: what is free stays free, and tempts the one that wakes.
    await holdLease(rig, "successor");
    const served = await pool.holdings();
    assert(served.length < MACHINES, "there is work left");
    const judged = judge.decisions.length;
    frozen.thaw();
    await frozen.logged("Lost leadership for claim coordination");
    // It says so once it has come to know this machine, and with it everything that happened before.
    await pool.machine("sentinel", { annotations: { "claims.beskar7.io/priority": "high" } });
    await frozen.logged("Malformed annotations");
    assert.deepEqual(await pool.holdings(), served);
    const allowed = judge.decisions
      .slice(judged)
      .filter((decision) => decision.pod === frozen.pod && decision.allowed);
    assert.deepEqual(allowed, []);

    await rig.admin.delete(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
    await until(async () => (await bound()) === MACHINES);
    const consumers = (await pool.holdings()).map(({ consumer }) => consumer);
    assert.deepEqual(consumers.sort(), [...machines].sort(), "one host each");
  });
});
