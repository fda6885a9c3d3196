import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "./objects.ts";
import { type ProcessReplica, startProcessReplica } from "./process-replica.ts";
import { Rig, type RigReplica, until } from "./rig.ts";

const name = "a holder whose process is frozen past its Lease";
const MACHINES = 12;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let frozen: ProcessReplica;
  let successor: RigReplica;

  before(async () => {
    rig = await Rig.start();
    frozen = await startProcessReplica(rig, "coordinator-frozen");
    await frozen.logged("Became leader for claim coordination");
    successor = await rig.addReplica("coordinator-1");
    rig.route(successor);
  });
  after(async () => {
    frozen?.thaw();
    await frozen?.stop();
    await rig?.stop();
  });

  test("claims nothing when it wakes", async () => {
    const pool = await Objects.in(rig.admin, "frozen");
    const machines = Array.from({ length: MACHINES }, (_, index) => `machine-${index}`);
    const arriving = (async () => {
      for (const [index, machine] of machines.entries()) {
        await Promise.all([pool.machine(machine, { waiting: true }), pool.host(`host-${index}`)]);
      }
    })();
    const bound = async () => (await pool.holdings()).length;
    await until(async () => (await bound()) >= MACHINES / 4);
    frozen.freeze();
    const before = successor.replica.holder.state();
    await until(() => successor.replica.isLeading());
    await arriving;
    await until(async () => (await bound()) === MACHINES);

    // Work for whoever thinks that it may: a machine that waits, and a host that only the next test step offers.
    await pool.machine("late", { waiting: true });
    const after = successor.decisions.length;
    frozen.thaw();
    await frozen.logged("Lost leadership for claim coordination");
    await pool.host("late");
    await until(async () => (await pool.hostsOf("late")).length === 1);

    const allowed = successor.decisions
      .slice(after)
      .filter(({ pod, allowed }) => pod === frozen.pod && allowed);
    assert.deepEqual(allowed, []);
    const consumers = (await pool.holdings()).map(({ consumer }) => consumer);
    assert.deepEqual(consumers.sort(), [...machines, "late"].sort(), "one host each");
    assert(before.kind === "valid");
    assert.match(before.term.holderIdentity, /^coordinator-frozen_/);
  });
});
