import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { LEASES } from "../../src/kube/types.ts";
import { buildElector, skipWithoutControlPlane, startElector } from "../controlplane/index.ts";
import { Objects } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { LEASE_NAME, LEASE_NAMESPACE, Rig, type RigReplica, until } from "./rig.ts";

const name = "claims while holders come and go";
const withoutGo = (await buildElector()) ? false : "needs Go";
const MACHINES = 24;
const DURATIONS = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.start();
  });
  afterEach(async () => {
    for (const replica of rig.replicas) await replica.stop();
  });
  after(() => rig?.stop());

  async function leaderAmong(replicas: readonly RigReplica[]): Promise<RigReplica> {
    let leader: RigReplica | undefined;
    await until(() => {
      leader = replicas.find(({ replica }) => replica.isLeading());
      return leader !== undefined;
    });
    return leader!;
  }

  test("each machine gets one host while leaders are stopped, deposed and elected", async () => {
    const replicas = [];
    for (const pod of ["coordinator-0", "coordinator-1", "coordinator-2"])
      replicas.push(await rig.addReplica(pod));
    const pool = await Objects.in(rig.admin, "changes");
    const machines = Array.from({ length: MACHINES }, (_, index) => `machine-${index}`);
    const bound = async () => (await pool.holdings()).length;
    const first = await leaderAmong(replicas);
    const arriving = (async () => {
      for (const [index, machine] of machines.entries()) {
        await Promise.all([pool.machine(machine, { waiting: true }), pool.host(`host-${index}`)]);
      }
    })();
    await until(async () => (await bound()) > MACHINES / 6);
    await first.stop();
    await leaderAmong(replicas);
    await until(async () => (await bound()) > MACHINES / 2);
    await rig.admin.delete(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
    await arriving;
    await until(async () => (await bound()) === MACHINES);
    const consumers = (await pool.holdings()).map(({ consumer }) => consumer);
    assert.deepEqual(consumers.sort(), [...machines].sort(), "one host each");
  });

  test("client-go's elector is enforced by the pod in its identity, and our replicas wait for it", {
    skip: withoutGo,
  }, async () => {
    const ours = await rig.addReplica("coordinator-0");
    await until(() => ours.replica.isLeading());
    const manager = await rig.podClient("manager-0");
    const identity = `${manager.pod}_${randomUUID()}`;
    const kubeconfig = rig.plane.kubeconfig();
    const elector = await startElector({
      kubeconfig,
      namespace: LEASE_NAMESPACE,
      name: LEASE_NAME,
      identity,
      ...DURATIONS,
      releaseOnCancel: true,
    });
    await ours.stop();
    await elector.next("started");
    const follower = await rig.addReplica("coordinator-1");
    const stranger = await rig.podClient("stranger-0");
    const pool = await Objects.in(rig.admin, "client-go");
    const host = await pool.host("host");
    await pool.machine("machine");

    const refusal = await refusalOf(pool.claim(stranger.api, host, "machine"));
    assert.equal(refusal.verdict, "Delegated");
    assert.deepEqual(refusal.facts, { HolderIdentity: identity, ForeignHolder: "true" });
    const claimed = await pool.claim(manager.api, host, "machine");
    assert.equal(claimed.metadata.annotations?.["claims.beskar7.io/mode"], "leader");
    assert.match(claimed.metadata.annotations?.["claims.beskar7.io/term"] ?? "", new RegExp(`/${identity}$`));
    assert.equal(follower.replica.isLeading(), false);

    await pool.machine("waiting", { waiting: true });
    await elector.stop();
    await until(() => follower.replica.isLeading());
    await pool.host("later");
    await until(async () => (await pool.hostsOf("waiting")).length === 1);
    manager.api.close();
    stranger.api.close();
  });
});
