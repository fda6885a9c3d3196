import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects, phaseOf } from "../e2e/objects.ts";
import { refusalOf } from "../e2e/refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "../e2e/rig.ts";

const name = "a leader that watches, and reviews by replicas that don't";
const MACHINES = 12;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let leader: RigReplica;
  let reviewers: RigReplica[];
  let client: PodClient;
  let objects: Objects;

  before(async () => {
    rig = await Rig.start();
    leader = await rig.addReplica("coordinator-0");
    await until(() => leader.replica.isLeading());
    const stateless = { stands: false, stateless: true };
    reviewers = [
      await rig.addReplica("reviewer-0", stateless),
      await rig.addReplica("reviewer-1", stateless),
    ];
    rig.route(...reviewers);
    client = await rig.podClient("controller-0");
    objects = await Objects.in(rig.admin, "mixed");
  });
  after(async () => {
    client?.api.close();
    await rig?.stop();
  });

  test("attempts at once wait in the queue, and the leader serves the highest of them through such reviews", async () => {
    const names = Array.from({ length: MACHINES }, (_, index) => `machine-${index}`);
    // Nobody is served while nothing fits, so that all of them are in the queue first.
    const annotations = (index: number) => ({
      "claims.beskar7.io/priority": String(index),
      "beskar7.io/required-tags": "wanted",
    });
    await Promise.all(
      names.map((machine, index) => objects.machine(machine, { annotations: annotations(index) })),
    );
    const plain = await objects.host("plain");
    const refusals = await Promise.all(
      names.map((machine) => refusalOf(objects.claim(client.api, plain, machine))),
    );
    assert.deepEqual([...new Set(refusals.map(({ verdict }) => verdict))], ["Delegated"]);
    for (const machine of names) {
      assert.equal(phaseOf(await objects.getRequest(`beskar7machine-${machine}`)), "Pending", machine);
    }
    for (const host of ["one", "two"]) await objects.host(host, { labels: { wanted: "" } });
    await until(async () => (await objects.holdings()).length === 2);
    const served = (await objects.holdings()).map(({ consumer }) => consumer);
    assert.deepEqual(served.sort(), names.slice(-2).sort());
    assert.ok(
      reviewers.some(({ decisions }) => decisions.length > 0),
      "they have reviewed",
    );
    assert.deepEqual(leader.decisions, [], "the leader has not");
  });
});
