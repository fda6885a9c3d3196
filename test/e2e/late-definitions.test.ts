import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { BARE_METAL_HOSTS } from "../../src/kube/types.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { consumerOf, Objects } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const name = "replicas that watch a cluster before any kind of host is installed there";
const PRIORITY = "claims.beskar7.io/priority";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 110_000 }, () => {
  let rig: Rig;
  let leader: RigReplica;
  let stranger: PodClient;
  const served = () => rig.replicas.map(({ replica }) => replica.following.hostKindsServed().sort());
  const definitionsOf = (...groups: string[]): KubeObject[] =>
    sandboxCrds().filter(({ spec }) => groups.includes((spec as { names: { kind: string } }).names.kind));

  before(async () => {
    rig = await Rig.start({ definitions: [claimRequestDefinition()] });
    leader = await rig.addReplica("coordinator-0");
    await rig.addReplica("coordinator-1", { stands: false });
    stranger = await rig.podClient("stranger-0");
    await until(() => leader.replica.isLeading());
  });
  after(async () => {
    stranger?.api.close();
    await rig?.stop();
  });

  /** The lower of two waiting machines came first; a host that comes is the higher one's. */
  async function servesTheHigher(
    pool: Objects,
    kind: string,
    machine: (name: string, priority: string) => Promise<KubeObject>,
    host: () => Promise<string>,
  ): Promise<void> {
    await machine("low", "1");
    await machine("high", "100");
    const { namespace } = pool;
    await rig.known(({ world }) =>
      ["low", "high"].every((each) => {
        const facts = world.consumer(`${kind}/${namespace}/${each}`);
        return facts !== undefined && world.demand(facts).waits;
      }),
    );
    assert.equal(await host(), "high");
  }

  test("are ready, and lead, though there is nothing to coordinate", () => {
    assert.deepEqual(served(), [[], []]);
    assert.equal(leader.replica.notReady(), null);
  });

  test("coordinate claims of PhysicalHosts from when Beskar7 is installed", async () => {
    await rig.define(...definitionsOf("PhysicalHost", "Beskar7Machine"));
    const pool = await Objects.in(rig.admin, "beskar7");
    await pool.machine("attempted");
    const host = await pool.host("host-0");
    const { verdict } = await refusalOf(pool.claim(stranger.api, host, "attempted"));
    assert.equal(verdict, "Delegated");
    await until(async () => consumerOf(await pool.getHost("host-0")) === "attempted");
    await until(() => served().every((kinds) => kinds.join() === "PhysicalHost"));
    await servesTheHigher(
      pool,
      "Beskar7Machine",
      (each, priority) => pool.machine(each, { waiting: true, annotations: { [PRIORITY]: priority } }),
      async () => {
        await pool.host("host-1");
        await until(async () => consumerOf(await pool.getHost("host-1")) !== "");
        return consumerOf(await pool.getHost("host-1"));
      },
    );
    await until(async () => (await pool.phaseOf("high")) === "Bound");
  });

  test("and those of BareMetalHosts from when Metal3 is installed beside it", async () => {
    await rig.define(...definitionsOf("BareMetalHost", "Metal3Machine"));
    const pool = await Objects.in(rig.admin, "metal3");
    await servesTheHigher(
      pool,
      "Metal3Machine",
      (each, priority) => pool.metal3Machine(each, { waiting: true, annotations: { [PRIORITY]: priority } }),
      async () => {
        await pool.bareMetalHost("host");
        const key = { namespace: pool.namespace, name: "host" };
        const holder = async () => consumerOf(await rig.admin.get(BARE_METAL_HOSTS, key));
        await until(async () => (await holder()) !== "");
        return holder();
      },
    );
    await until(() => served().every((kinds) => kinds.join() === "BareMetalHost,PhysicalHost"));
  });
});
