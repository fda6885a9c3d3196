import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encodeIntent } from "../../src/coordinator/intent.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import type { ReplicaOptions } from "../../src/replica.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { dropLease, type HeldLease, holdLease } from "./held-lease.ts";
import { consumerOf, Objects, phaseOf } from "./objects.ts";
import { type PodClient, Rig } from "./rig.ts";

const NAMESPACE = "verdicts";
const M = "Beskar7Machine";

/** The verdict table, row by row, as a suite of this name; `changes` say what kind of replicas review. */
export async function verdictTable(name: string, changes: Partial<ReplicaOptions> = {}): Promise<void> {
  const skip = await skipWithoutControlPlane(name);
  describe(name, { skip, timeout: 120_000 }, () => rows(changes));
}

function rows(changes: Partial<ReplicaOptions>): void {
  let rig: Rig;
  let objects: Objects;
  /** The pod that holds the Lease, and one that does not. */
  let holder: PodClient;
  let other: PodClient;
  let lease: HeldLease;

  before(async () => {
    rig = await Rig.start();
    await rig.addReplica("coordinator-0", { stands: false, ...changes });
    await rig.addReplica("coordinator-1", { stands: false, ...changes });
    holder = await rig.podClient("controller-0");
    other = await rig.podClient("controller-1");
    objects = await Objects.in(rig.admin, NAMESPACE);
    lease = await holdLease(rig, holder.pod);
  });
  after(async () => {
    holder?.api.close();
    other?.api.close();
    await rig?.stop();
  });

  /** What `kubectl patch` prints; the claim that a person would type. */
  async function kubectlPatch(client: PodClient, host: string, patch: object): Promise<string> {
    const args = [
      "patch",
      "physicalhosts",
      host,
      "-n",
      NAMESPACE,
      "--type=merge",
      "-p",
      JSON.stringify(patch),
    ];
    const { code, stdout, stderr } = await rig.plane.kubectl(args, { token: client.token });
    return code === 0 ? stdout.trim() : stderr.trim();
  }

  const claimBy = (machine: string, more: Record<string, string> = {}) => ({
    spec: { consumerRef: { kind: M, name: machine, namespace: NAMESPACE, ...more } },
  });

  const refused = (reason: "Conflict" | "Forbidden", message: string) =>
    `Error from server (${reason}): admission webhook "physicalhosts.claims.beskar7.io" denied the request: ${message}`;

  const patched = (host: string) => `physicalhost.infrastructure.cluster.x-k8s.io/${host} patched`;

  test("a host that is held can't be taken over, by the holder neither: HostHeld", async () => {
    await objects.host("steal", { consumerRef: { kind: M, name: "owner", namespace: NAMESPACE } });
    for (const client of [holder, other]) {
      assert.equal(
        await kubectlPatch(client, "steal", claimBy("thief")),
        refused(
          "Conflict",
          `host ${NAMESPACE}/steal is held by ${M} ${NAMESPACE}/owner; choose another host or wait until its holder releases it`,
        ),
      );
    }
  });

  test("a consumer of another namespace is forbidden: ForeignConsumer", async () => {
    await objects.host("foreign");
    assert.equal(
      await kubectlPatch(holder, "foreign", claimBy("m", { namespace: "elsewhere" })),
      refused(
        "Forbidden",
        `host ${NAMESPACE}/foreign can only be claimed from its own namespace, which the claim of ${M} elsewhere/m is not in; choose a host in the consumer's namespace`,
      ),
    );
  });

  test("a host that is not available, or is being deleted, is not given away: HostUnavailable", async () => {
    await objects.host("inspecting", { state: "Inspecting" });
    assert.equal(
      await kubectlPatch(holder, "inspecting", claimBy("m")),
      refused(
        "Conflict",
        `host ${NAMESPACE}/inspecting is not available: state is Inspecting; choose another host or wait until it is available`,
      ),
    );
    await objects.host("deleting");
    const key = { namespace: NAMESPACE, name: "deleting" };
    const finalizers = ["example.com/keep"];
    await rig.admin.patch(PHYSICAL_HOSTS, key, { type: "merge", body: { metadata: { finalizers } } });
    await rig.admin.delete(PHYSICAL_HOSTS, key);
    assert.equal(
      await kubectlPatch(holder, "deleting", claimBy("m")),
      refused("Conflict", `host ${NAMESPACE}/deleting is being deleted; choose another host`),
    );
  });

  test("a consumer that has a host gets no second one: ConsumerHoldsHost", async () => {
    await objects.host("first", { consumerRef: { kind: M, name: "greedy", namespace: NAMESPACE } });
    await objects.host("second");
    await rig.known(({ world }) => world.heldBy(consumer("greedy")).length > 0);
    assert.equal(
      await kubectlPatch(holder, "second", claimBy("greedy")),
      refused(
        "Conflict",
        `the claim of ${M} ${NAMESPACE}/greedy can't take host ${NAMESPACE}/second because its consumer holds host first; use that one, or release it first`,
      ),
    );
  });

  test("who is not the holder is put into the queue: Delegated", async () => {
    await objects.host("queue");
    await objects.machine("delegated");
    const message = refused(
      "Conflict",
      `the claim of ${M} ${NAMESPACE}/delegated on host ${NAMESPACE}/queue was put into the queue, where ${lease.identity} hands out hosts by priority; wait for a host, there is nothing else to do`,
    );
    assert.equal(await kubectlPatch(other, "queue", claimBy("delegated")), message);
    const request = await objects.getRequest("beskar7machine-delegated");
    assert.equal(phaseOf(request), "Pending");
    assert.equal(await kubectlPatch(other, "queue", claimBy("delegated")), message, "to the byte");
    const again = await objects.getRequest("beskar7machine-delegated");
    assert.equal(again.metadata.resourceVersion, request.metadata.resourceVersion, "one write for its wait");
    await rig.admin.delete(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: "queue" });
  });

  test("the holder's own pod may not pass over a claim of higher priority: OutOfOrder", async () => {
    const pool = await Objects.in(rig.admin, "in-order");
    const { namespace } = pool;
    const { uid = "" } = (await pool.host("only")).metadata;
    await pool.machine("ahead", { waiting: true, annotations: { "claims.beskar7.io/priority": "10" } });
    await pool.machine("behind", { waiting: true });
    await rig.known(({ world }) => world.queue.hasHost(uid));
    await rig.known(({ world }) => world.consumer(`${M}/${namespace}/ahead`)?.machine?.waits === true);
    const patch = JSON.stringify({ spec: { consumerRef: { kind: M, name: "behind", namespace } } });
    const args = ["patch", "physicalhosts", "only", "-n", namespace, "--type=merge", "-p", patch];
    const { stderr } = await rig.plane.kubectl(args, { token: holder.token });
    assert.equal(
      stderr.trim(),
      refused(
        "Conflict",
        `${M} ${namespace}/ahead is ahead and would be left without a host if the claim of ${M} ${namespace}/behind took host ${namespace}/only; serve that one first, or choose a host that it can spare`,
      ),
    );
    await pool.claim(holder.api, await pool.getHost("only"), "ahead");
    assert.equal(consumerOf(await pool.getHost("only")), "ahead");
  });

  test("a write that names a term that is over is refused, though its author holds the Lease again: FencedOut", async () => {
    await objects.host("fenced");
    const intent = (term: string) => ({
      metadata: { annotations: encodeIntent({ term, hosts: "", requests: "", machines: "", nonce: term }) },
      ...claimBy("late"),
    });
    const past = lease;
    lease = await holdLease(rig, holder.pod);
    assert.equal(
      await kubectlPatch(holder, "fenced", intent(past.term)),
      refused(
        "Conflict",
        `the claim of ${M} ${NAMESPACE}/late on host ${NAMESPACE}/fenced was decided in a term that is over, the holder is now in another one (${lease.identity}); decide again in the current term`,
      ),
    );
    assert.equal(await kubectlPatch(holder, "fenced", intent(lease.term)), patched("fenced"));
  });

  test("the holder's claim passes, and so does a release by anybody", async () => {
    await objects.host("allowed");
    assert.equal(await kubectlPatch(holder, "allowed", claimBy("winner")), patched("allowed"));
    const completed = claimBy("winner", { uid: "11111111-2222-4333-8444-555555555555" });
    assert.equal(await kubectlPatch(other, "allowed", completed), patched("allowed"), "a completion");
    assert.equal(await kubectlPatch(other, "allowed", { spec: { consumerRef: null } }), patched("allowed"));
    assert.equal(consumerOf(await objects.getHost("allowed")), "");
  });

  test("without a holder everybody's claim passes, once", async () => {
    await dropLease(rig);
    await objects.host("optimistic");
    const stale = (await objects.getHost("optimistic")).metadata.resourceVersion;
    assert.equal(await kubectlPatch(other, "optimistic", claimBy("anybody")), patched("optimistic"));
    assert.equal(
      await kubectlPatch(other, "optimistic", {
        metadata: { resourceVersion: stale },
        ...claimBy("anybody"),
      }),
      'Error from server (Conflict): Operation cannot be fulfilled on physicalhosts.infrastructure.cluster.x-k8s.io "optimistic": the object has been modified; please apply your changes to the latest version and try again',
    );
  });
}

function consumer(machine: string) {
  return { apiVersion: "", kind: M, namespace: NAMESPACE, name: machine, uid: "" };
}
