import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FENCE_ANNOTATION } from "../../src/hosts/annotations.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import type { ReplicaOptions } from "../../src/replica.ts";
import { type Answer, createKubeHttp, skipWithoutControlPlane } from "../controlplane/index.ts";
import { holdLease } from "./held-lease.ts";
import { Objects, phaseOf } from "./objects.ts";
import { type Refusal, readStatus, refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const NAMESPACE = "one-host";
const ROUNDS = 20;

/** Without any leader a machine gets one host, as a suite of this name; `changes` say what kind of replicas review. */
export async function oneHost(name: string, changes: Partial<ReplicaOptions> = {}): Promise<void> {
  const skip = await skipWithoutControlPlane(name);
  describe(name, { skip, timeout: 120_000 }, () => rounds(changes));
}

function rounds(changes: Partial<ReplicaOptions>): void {
  let rig: Rig;
  let objects: Objects;
  let client: PodClient;
  let replicas: [RigReplica, RigReplica];

  before(async () => {
    rig = await Rig.start();
    replicas = [
      await rig.addReplica("coordinator-0", { stands: false, ...changes }),
      await rig.addReplica("coordinator-1", { stands: false, ...changes }),
    ];
    client = await rig.podClient("controller-0");
    objects = await Objects.in(rig.admin, NAMESPACE);
  });
  after(async () => {
    client?.api.close();
    await rig?.stop();
  });

  const machineWithTwoHosts = async (machine: string): Promise<[KubeObject, KubeObject]> => {
    const names = [`${machine}-a`, `${machine}-b`] as const;
    const [, a, b] = await Promise.all([
      objects.machine(machine),
      ...names.map((host) => objects.host(host)),
    ]);
    return [a!, b!];
  };

  test(`two claims at the same instant, through both replicas: exactly one, ${ROUNDS} times`, async () => {
    rig.route(...replicas);
    for (let round = 0; round < ROUNDS; round++) {
      const machine = `machine-${round}`;
      const hosts = await machineWithTwoHosts(machine);
      const claims = await Promise.allSettled(hosts.map((host) => objects.claim(client.api, host, machine)));
      const won = claims.filter(({ status }) => status === "fulfilled");
      assert.equal(won.length, 1, `round ${round}`);
      assert.equal((await objects.hostsOf(machine)).length, 1, `round ${round}`);
    }
    const asked = replicas.map(({ decisions }) => decisions.length > 0);
    assert.deepEqual(asked, [true, true], "both replicas have judged");
  });

  test("the same with both reviews sent to both replicas at once, past the API server", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const machine = `raw-${round}`;
      const hosts = await machineWithTwoHosts(machine);
      // Each replica is asked about each host: four reviews that know nothing of each other.
      const answers = await Promise.all(
        replicas.flatMap((replica) => hosts.map((host) => review(replica, host, machine))),
      );
      const allowed = new Set(answers.filter(({ allowed }) => allowed).map(({ host }) => host));
      assert.equal(allowed.size, 1, `round ${round}: ${[...allowed]}`);
    }
  });

  test("a host that was promised and never claimed is taken back, and the machine may have another", async () => {
    const [first, second] = await machineWithTwoHosts("promised");
    const [replica] = replicas;
    assert.equal((await review(replica, first, "promised")).allowed, true);
    const refusal = await refusalOf(objects.claim(client.api, second, "promised"));
    assert.equal(refusal.verdict, "ConsumerHoldsHost");
    assert.equal(refusal.facts.HeldThrough, "binding");
    await until(async () => phaseOf(await objects.getRequest("beskar7machine-promised")) === "Pending");
    await objects.claim(client.api, second, "promised");
    assert.deepEqual(await objects.hostsOf("promised"), ["promised-b"]);
    const { annotations } = (await objects.getHost("promised-a")).metadata;
    assert.equal(annotations?.[FENCE_ANNOTATION], first.metadata.resourceVersion, "no late write can land");
  });

  test("a review of an older version of the same host does not unname the later one", async () => {
    const [older] = await machineWithTwoHosts("cached");
    const key = { namespace: NAMESPACE, name: older.metadata.name };
    const labels = { rack: "7" };
    const newer = await rig.admin.patch(PHYSICAL_HOSTS, key, {
      type: "merge",
      body: { metadata: { labels } },
    });
    const [replica] = replicas;
    for (const version of [newer, older]) {
      assert.equal((await review(replica, version, "cached")).allowed, true);
    }
    const { status } = await objects.getRequest("beskar7machine-cached");
    const { binding } = status as { binding?: { hostResourceVersion: string } };
    assert.equal(binding?.hostResourceVersion, newer.metadata.resourceVersion);
  });

  test("a claim sent to either replica gets the same verdict", async () => {
    const [first] = await machineWithTwoHosts("either");
    const held = await objects.host("either-held", {
      consumerRef: { kind: "Beskar7Machine", name: "somebody", namespace: NAMESPACE },
    });
    const busy = await objects.host("either-busy", { state: "Inspecting" });
    await rig.known(({ world }) => world.host(busy.metadata.uid ?? "") !== undefined);
    const writes = [
      { host: held, machine: "either", verdict: "HostHeld" },
      { host: busy, machine: "either", verdict: "HostUnavailable" },
      { host: first, machine: "somebody", verdict: "ConsumerHoldsHost" },
    ];
    for (const { host, machine, verdict } of writes) {
      const [one, another] = await judgedByBoth(host, machine);
      assert.equal(one.verdict, verdict);
      assert.deepEqual(one, another);
    }
    const { identity } = await holdLease(rig, "controller-1");
    for (const { verdict, facts } of await judgedByBoth(first, "either")) {
      assert.deepEqual([verdict, facts], ["Delegated", { HolderIdentity: identity }]);
    }
  });

  /** A refused claim, judged by one replica and then by the other. */
  async function judgedByBoth(host: KubeObject, machine: string): Promise<[Refusal, Refusal]> {
    const judgedBy = async (replica: RigReplica) => {
      rig.route(replica);
      let refusal: Refusal | undefined;
      // The API server may have had a call on a connection just when it was cut.
      await until(async () => {
        const before = replica.decisions.length;
        refusal = await refusalOf(objects.claim(client.api, host, machine));
        return replica.decisions.length > before;
      });
      return refusal!;
    };
    return [await judgedBy(replicas[0]), await judgedBy(replicas[1])];
  }

  async function review(replica: RigReplica, host: KubeObject, machine: string) {
    const call = createKubeHttp({
      url: `https://127.0.0.1:${replica.server.address.port}`,
      caPem: rig.caPem,
    });
    const consumerRef = { kind: "Beskar7Machine", name: machine, namespace: NAMESPACE };
    const request = {
      uid: `${machine}-${host.metadata.name}-${replica.identity}`.slice(0, 64),
      kind: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", kind: "PhysicalHost" },
      resource: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", resource: "physicalhosts" },
      operation: "UPDATE",
      namespace: NAMESPACE,
      name: host.metadata.name,
      userInfo: { username: "system:serviceaccount:beskar7-system:beskar7" },
      oldObject: host,
      object: { ...host, spec: { ...(host.spec as object), consumerRef } },
    };
    const body = { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request };
    const answer: Answer = await call("POST", "/validate", { body });
    call.close();
    const { response } = answer.json<{ response: { allowed: boolean; status?: unknown } }>();
    const verdict = response.status === undefined ? "" : readStatus(response.status).verdict;
    return { host: host.metadata.name, allowed: response.allowed, verdict };
  }
}
