import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BESKAR7_MACHINES, CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects, phaseOf } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const name = "ClaimRequests under a leader";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let leader: RigReplica;
  let stranger: PodClient;

  before(async () => {
    rig = await Rig.start();
    leader = await rig.addReplica("coordinator-0");
    await rig.addReplica("coordinator-1", { stands: false });
    stranger = await rig.podClient("stranger-0");
    await until(() => leader.replica.isLeading());
  });
  after(async () => {
    stranger?.api.close();
    await rig?.stop();
  });

  const requestNames = async ({ namespace }: Objects) =>
    (await rig.admin.list(CLAIM_REQUESTS, { namespace })).items.map(({ metadata }) => metadata.name);

  const explicit = (name: string, more = "") =>
    `apiVersion: claims.beskar7.io/v1alpha1\nkind: ClaimRequest\nmetadata: { name: ${name} }\nspec: { ${more} }\n`;

  test("kubectl apply claims a host, and kubectl delete gives it back", async () => {
    const pool = await Objects.in(rig.admin, "explicit");
    await pool.host("plain");
    await pool.host("gpu", { labels: { gpu: "yes" } });
    const inPool = ["-n", pool.namespace];
    const input = explicit("mine", "requirements: { requiredTags: [gpu] }");
    const applied = await rig.plane.kubectl(["apply", ...inPool, "-f", "-"], { input });
    assert.equal(applied.code, 0, applied.stderr);
    const waited = await rig.plane.kubectl([
      "wait",
      ...inPool,
      "--for=jsonpath={.status.phase}=Bound",
      "claimreq/mine",
      "--timeout=60s",
    ]);
    assert.equal(waited.code, 0, waited.stderr);
    const host = await pool.getHost("gpu");
    const request = await pool.getRequest("mine");
    assert.deepEqual((host.spec as { consumerRef: object }).consumerRef, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      namespace: pool.namespace,
      name: "mine",
      uid: request.metadata.uid,
    });
    const listed = await rig.plane.kubectl(["get", "claimreq", "mine", ...inPool, "--no-headers"]);
    assert.match(listed.stdout, /^mine\s+Bound\s+gpu\s+Bound to host gpu\s/);
    const deleted = await rig.plane.kubectl(["delete", "claimreq", "mine", ...inPool, "--timeout=60s"]);
    assert.equal(deleted.code, 0, deleted.stderr);
    const released = await pool.getHost("gpu");
    assert.equal(consumerOf(released), "");
    const left = Object.keys(released.metadata.annotations ?? {}).filter((key) =>
      key.includes("beskar7.io/"),
    );
    assert.deepEqual(left, [], "stamps go with the claim");
  });

  test("an applied request whose host is deleted waits again, and one whose host was taken away does not", async () => {
    const pool = await Objects.in(rig.admin, "explicit-lost");
    const inPool = ["-n", pool.namespace];
    await pool.host("first");
    await rig.plane.kubectl(["apply", ...inPool, "-f", "-"], { input: explicit("mine") });
    await until(async () => phaseOf(await pool.getRequest("mine")) === "Bound");
    await rig.admin.delete(PHYSICAL_HOSTS, { namespace: pool.namespace, name: "first" });
    await until(async () => phaseOf(await pool.getRequest("mine")) === "Pending");
    await pool.host("second");
    await until(async () => phaseOf(await pool.getRequest("mine")) === "Bound");
    assert.equal(consumerOf(await pool.getHost("second")), "mine");
    await pool.release(rig.admin, "second");
    await until(async () => phaseOf(await pool.getRequest("mine")) === "Released");
    assert.equal(consumerOf(await pool.getHost("second")), "");
  });

  test("a request nobody could serve yet goes at once when it is deleted", async () => {
    const pool = await Objects.in(rig.admin, "unserved");
    const inPool = ["-n", pool.namespace];
    await rig.plane.kubectl(["apply", ...inPool, "-f", "-"], { input: explicit("mine") });
    const deleted = await rig.plane.kubectl(["delete", "claimreq", "mine", ...inPool, "--timeout=60s"]);
    assert.equal(deleted.code, 0, deleted.stderr);
    await pool.host("host");
    await pool.machine("machine", { waiting: true });
    await until(async () => consumerOf(await pool.getHost("host")) === "machine");
  });

  test("a delegated claim is served later, under the reference that its controller wrote", async () => {
    const pool = await Objects.in(rig.admin, "verbatim");
    await pool.machine("machine");
    const attempted = { apiVersion: "", kind: "", namespace: pool.namespace, name: "machine" };
    const key = { namespace: pool.namespace, name: (await pool.host("host")).metadata.name };
    const attempt = { type: "merge", body: { spec: { consumerRef: attempted } } } as const;
    assert.equal((await refusalOf(stranger.api.patch(PHYSICAL_HOSTS, key, attempt))).verdict, "Delegated");
    await until(async () => consumerOf(await pool.getHost("host")) === "machine");
    const { consumerRef } = (await pool.getHost("host")).spec as { consumerRef: object };
    assert.deepEqual(consumerRef, { namespace: pool.namespace, name: "machine" });
  });

  test("a machine that goes leaves the queue, and its request goes though nobody collects garbage", async () => {
    const pool = await Objects.in(rig.admin, "gone");
    const { namespace } = pool;
    const host = await pool.host("host", { state: "Inspecting" });
    const { uid } = (await pool.machine("first")).metadata;
    await pool.machine("second", { waiting: true });
    await rig.plane.call("POST", `/apis/claims.beskar7.io/v1alpha1/namespaces/${namespace}/claimrequests`, {
      body: {
        apiVersion: "claims.beskar7.io/v1alpha1",
        kind: "ClaimRequest",
        metadata: { name: "beskar7machine-first", finalizers: ["claims.beskar7.io/binding"] },
        spec: { consumerRef: { kind: "Beskar7Machine", name: "first", namespace, uid } },
      },
    });
    const waits = (machine: string) => {
      const facts = leader.replica.world.consumer(`Beskar7Machine/${namespace}/${machine}`);
      return facts !== undefined && leader.replica.world.demand(facts).waits;
    };
    await until(() => waits("first") && waits("second"));
    const key = { namespace, name: "first" };
    await rig.admin.delete(BESKAR7_MACHINES, key);
    await until(() => !waits("first"));
    await rig.admin.patch(BESKAR7_MACHINES, key, { type: "merge", body: { metadata: { finalizers: null } } });
    await until(async () => !(await requestNames(pool)).includes("beskar7machine-first"));
    const body = { status: { state: "Available" } };
    const hostKey = { namespace, name: host.metadata.name };
    await rig.admin.patch(PHYSICAL_HOSTS, hostKey, { type: "merge", body }, { subresource: "status" });
    await until(async () => consumerOf(await pool.getHost("host")) === "second");
  });

  test("a machine recreated under its name gets a place of its own", async () => {
    const pool = await Objects.in(rig.admin, "recreated");
    const { namespace } = pool;
    const key = { namespace, name: "machine" };
    await pool.machine("machine", { waiting: true });
    await pool.host("host-1");
    await until(async () => (await pool.phaseOf("machine")) === "Bound");
    await rig.admin.delete(BESKAR7_MACHINES, key);
    await rig.admin.patch(BESKAR7_MACHINES, key, { type: "merge", body: { metadata: { finalizers: null } } });
    const again = await pool.machine("machine", { waiting: true });
    await pool.host("host-2");
    // The former machine's host stays its own until its controller, or an operator, releases it.
    const refOf = async (host: string) =>
      ((await pool.getHost(host)).spec as { consumerRef?: { uid?: string } }).consumerRef?.uid;
    await until(async () => (await refOf("host-2")) === again.metadata.uid);
    assert.notEqual(await refOf("host-1"), again.metadata.uid);
  });

  /** A machine that has a host and says nothing any more of waiting. */
  async function content(pool: Objects): Promise<void> {
    await pool.machine("machine", { waiting: true });
    await pool.host("host");
    await until(async () => (await pool.phaseOf("machine")) === "Bound");
    const key = { namespace: pool.namespace, name: "machine" };
    const settled = { type: "merge", body: { status: { conditions: [] } } } as const;
    await rig.admin.patch(BESKAR7_MACHINES, key, settled, { subresource: "status" });
    await until(
      () => !leader.replica.world.consumer(`Beskar7Machine/${pool.namespace}/machine`)?.machine?.waits,
    );
  }

  test("after its host is deleted it waits again only if its machine says so", async () => {
    const pool = await Objects.in(rig.admin, "deleted-host");
    await content(pool);
    await rig.admin.delete(PHYSICAL_HOSTS, { namespace: pool.namespace, name: "host" });
    await until(async () => (await pool.phaseOf("machine")) === "Released");
    const { status } = await pool.getRequest("beskar7machine-machine");
    assert.equal((status as { binding?: object }).binding, undefined, "nothing is left of the host");
    const key = { namespace: pool.namespace, name: "machine" };
    const conditions = [
      {
        type: "PhysicalHostAssociated",
        status: "False",
        reason: "WaitingForPhysicalHost",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ];
    const waits = { type: "merge", body: { status: { conditions } } } as const;
    await rig.admin.patch(BESKAR7_MACHINES, key, waits, { subresource: "status" });
    await pool.host("another");
    await until(async () => consumerOf(await pool.getHost("another")) === "machine");
  });

  test("after a release it waits again only if its machine says so", async () => {
    const pool = await Objects.in(rig.admin, "released");
    await content(pool);
    await pool.release(rig.admin, "host");
    await until(async () => (await pool.phaseOf("machine")) === "Released");
    assert.equal(consumerOf(await pool.getHost("host")), "");
  });
});
