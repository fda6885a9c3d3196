import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Orphans } from "../../src/coordinator/orphans.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import {
  BESKAR7_MACHINES,
  CLAIM_REQUESTS,
  CUSTOM_RESOURCE_DEFINITIONS,
  PHYSICAL_HOSTS,
} from "../../src/kube/types.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import { consumerOf } from "../e2e/objects.ts";
import { type OrphansCluster, orphansCluster } from "./cluster.ts";

const PATIENCE_MS = 60_000;
const GONE = { kind: "Beskar7Machine", name: "gone" };

/** Looks for so long as nobody would doubt that the consumer is gone. */
async function lookForLong({ clock }: OrphansCluster, orphans: Orphans, responsible = true): Promise<void> {
  for (let look = 0; look < 10; look++) {
    await orphans.look(responsible);
    await clock.advance(PATIENCE_MS / 2);
  }
}

async function holderOf({ objects }: OrphansCluster, host: string): Promise<string> {
  return consumerOf(await objects.getHost(host));
}

/** A request that stands for itself. */
function applied({ api }: OrphansCluster, name: string): Promise<KubeObject> {
  return api.create(CLAIM_REQUESTS, {
    apiVersion: "claims.beskar7.io/v1alpha1",
    kind: "ClaimRequest",
    metadata: { namespace: "default", name },
    spec: { hostKind: "PhysicalHost" },
  });
}

describe("a host whose machine does not exist", () => {
  test("is reported once that has been so for a minute, and never released by default", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const reported: string[] = [];
    const orphans = cluster.orphans({ release: false, reported });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS - 1);
    await orphans.look(true);
    assert.deepEqual([reported, [...orphans.current()].length], [[], 0]);
    await cluster.clock.advance(1);
    await orphans.look(true);
    assert.deepEqual(reported, ["host"]);
    await lookForLong(cluster, orphans);
    assert.equal(await holderOf(cluster, "host"), "gone");
    assert.deepEqual(
      [...orphans.current()].map(({ name }) => name),
      ["host"],
    );
  });

  test("is released with --release-orphaned-hosts, after that minute and not before, and its stamps go too", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const orphans = cluster.orphans({ release: true });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS - 1);
    await orphans.look(true);
    assert.equal(await holderOf(cluster, "host"), "gone");
    await cluster.clock.advance(1);
    await orphans.look(true);
    const { metadata, spec } = await cluster.objects.getHost("host");
    assert.equal((spec as { consumerRef?: unknown }).consumerRef, undefined);
    assert.deepEqual(metadata.annotations ?? {}, { "example.com/rack": "7" });
    await orphans.look(true);
    assert.deepEqual([...orphans.current()], []);
  });

  test("is left to the replica that speaks, and counted by every one", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const reported: string[] = [];
    const orphans = cluster.orphans({ release: true, reported });
    await lookForLong(cluster, orphans, false);
    assert.equal(await holderOf(cluster, "host"), "gone");
    assert.deepEqual([reported, [...orphans.current()].length], [[], 1]);
  });

  test("begins its minute anew when its machine came and went", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const orphans = cluster.orphans({ release: true });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS / 2);
    const machine = await cluster.objects.machine("gone");
    cluster.showMachine(machine);
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS / 2);
    const { namespace = "", name, uid = "" } = machine.metadata;
    cluster.world.deleteMachine({ kind: "Beskar7Machine", namespace, name, uid });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS - 1);
    await orphans.look(true);
    assert.equal(await holderOf(cluster, "host"), "gone");
  });

  test("begins its minute anew when it is claimed for another one that does not exist yet", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const orphans = cluster.orphans({ release: true });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS - 1);
    const key = { namespace: "default", name: "host" };
    for (const consumerRef of [null, { kind: "Beskar7Machine", name: "soon" }]) {
      await cluster.api.patch(PHYSICAL_HOSTS, key, { type: "merge", body: { spec: { consumerRef } } });
      await cluster.show("host");
    }
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS - 1);
    await orphans.look(true);
    assert.equal(await holderOf(cluster, "host"), "soon");
    await cluster.clock.advance(1);
    await orphans.look(true);
    assert.equal(await holderOf(cluster, "host"), "");
  });

  test("is not released when it changes at the last moment", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.held("host", GONE);
    const orphans = cluster.orphans({ release: true });
    await orphans.look(true);
    await cluster.clock.advance(PATIENCE_MS);
    // Somebody has given it to another consumer, and this replica's watch has not told yet.
    const body = { spec: { consumerRef: { kind: "Beskar7Machine", name: "other" } } };
    const key = { namespace: "default", name: "host" };
    await cluster.api.patch(PHYSICAL_HOSTS, key, { type: "merge", body });
    await orphans.look(true);
    assert.equal(await holderOf(cluster, "host"), "other");
  });
});

test("a host of a ClaimRequest made again under its name is another's, where its reference has a uid", async () => {
  const cluster = orphansCluster();
  cluster.world.requestsKnownWhile(() => true);
  cluster.world.setRequest(readClaimRequest(await applied(cluster, "again")));
  await cluster.held("by-name", { kind: "ClaimRequest", name: "again" });
  await cluster.held("former", { kind: "ClaimRequest", name: "again", uid: "of-the-former" });
  await lookForLong(cluster, cluster.orphans({ release: true }));
  assert.equal(await holderOf(cluster, "by-name"), "again");
  assert.equal(await holderOf(cluster, "former"), "");
});

describe("even with --release-orphaned-hosts nobody touches the host", () => {
  /** Each makes a host that is no orphan, whatever it looks like. */
  const CASES: Record<string, (cluster: OrphansCluster) => Promise<void>> = {
    "of a machine that lives": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      cluster.showMachine(await cluster.objects.machine("alive"));
      await cluster.held("host", { kind: "Beskar7Machine", name: "alive" });
    },
    "of a machine that lives, under a reference without kind as v0.3.4 writes it": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      cluster.showMachine(await cluster.objects.machine("alive"));
      await cluster.held("host", { name: "alive" });
    },
    "of a machine that is being deleted and still has to clean up": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      await cluster.objects.machine("alive");
      const key = { namespace: "default", name: "alive" };
      await cluster.api.delete(BESKAR7_MACHINES, key);
      cluster.showMachine(await cluster.api.get(BESKAR7_MACHINES, key));
      await cluster.held("host", { kind: "Beskar7Machine", name: "alive" });
    },
    "of a machine while not all machines of its kind are known": async (cluster) => {
      await cluster.held("host", { kind: "Beskar7Machine", name: "alive" });
    },
    "of a machine whose kind is no longer served in the version that is known here": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      await cluster.objects.machine("alive");
      await cluster.held("host", { kind: "Beskar7Machine", name: "alive" });
      const key = { name: "beskar7machines.infrastructure.cluster.x-k8s.io" };
      const { spec } = await cluster.api.get(CUSTOM_RESOURCE_DEFINITIONS, key);
      const [version, ...others] = (spec as { versions: object[] }).versions;
      const body = { spec: { versions: [{ ...version, served: false }, ...others] } };
      await cluster.api.patch(CUSTOM_RESOURCE_DEFINITIONS, key, { type: "merge", body });
      cluster.world.machinesUnknown("Beskar7Machine");
    },
    "of a consumer of a kind that nobody mirrors": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      await cluster.held("host", { apiVersion: "example.com/v1", kind: "Rack", name: "alive" });
    },
    "of a machine of the other host kind, which is not installed": async (cluster) => {
      cluster.world.machinesKnown("Beskar7Machine");
      await cluster.held("host", { kind: "Metal3Machine", name: "alive" });
    },
    "of a ClaimRequest that somebody applied": async (cluster) => {
      cluster.world.requestsKnownWhile(() => true);
      cluster.world.setRequest(readClaimRequest(await applied(cluster, "alive")));
      await cluster.held("host", {
        apiVersion: "claims.beskar7.io/v1alpha1",
        kind: "ClaimRequest",
        name: "alive",
      });
    },
    "of a ClaimRequest while not all of them are known": async (cluster) => {
      await cluster.held("host", { kind: "ClaimRequest", name: "alive" });
    },
    "of a ClaimRequest of somebody else's": async (cluster) => {
      cluster.world.requestsKnownWhile(() => true);
      await cluster.held("host", { apiVersion: "example.com/v1", kind: "ClaimRequest", name: "alive" });
    },
  };
  for (const [which, arrange] of Object.entries(CASES)) {
    test(which, async () => {
      const cluster = orphansCluster();
      await arrange(cluster);
      const reported: string[] = [];
      await lookForLong(cluster, cluster.orphans({ release: true, reported }));
      assert.equal(await holderOf(cluster, "host"), "alive");
      assert.deepEqual(reported, []);
    });
  }

  test("of a machine that this replica has not heard of: it is asked for first", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    await cluster.objects.machine("alive");
    await cluster.held("host", { kind: "Beskar7Machine", name: "alive" });
    await lookForLong(cluster, cluster.orphans({ release: true }));
    assert.equal(await holderOf(cluster, "host"), "alive");
  });

  test("of a ClaimRequest that this replica has not heard of: it is asked for first", async () => {
    const cluster = orphansCluster();
    cluster.world.requestsKnownWhile(() => true);
    await applied(cluster, "alive");
    await cluster.held("host", { kind: "ClaimRequest", name: "alive" });
    const reported: string[] = [];
    await lookForLong(cluster, cluster.orphans({ release: true, reported }));
    assert.equal(await holderOf(cluster, "host"), "alive");
    assert.notDeepEqual(reported, []);
  });

  test("of a machine that was made again under its name, if the reference names no uid; else it is another's", async () => {
    const cluster = orphansCluster();
    cluster.world.machinesKnown("Beskar7Machine");
    const again = await cluster.objects.machine("alive");
    cluster.showMachine(again);
    await cluster.held("by-name", { kind: "Beskar7Machine", name: "alive" });
    await cluster.held("former", { kind: "Beskar7Machine", name: "alive", uid: "of-the-former" });
    await lookForLong(cluster, cluster.orphans({ release: true }));
    assert.equal(await holderOf(cluster, "by-name"), "alive");
    assert.equal(await holderOf(cluster, "former"), "");
  });
});
