import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rbacObjects } from "../../src/cli/install-rbac.ts";
import { rightText } from "../../src/doctor/checks/rights.ts";
import { aheadOf } from "../../src/doctor/collect/clocks.ts";
import { readLeaseFacts } from "../../src/doctor/collect/lease.ts";
import { readReplica } from "../../src/doctor/collect/replicas.ts";
import { wantedRights } from "../../src/doctor/collect/rights.ts";
import { parseMetrics } from "../../src/doctor/metrics-text.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { createdLease, renewedLease } from "../../src/leader/lease.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { replicaPod } from "./pods.ts";

const NAMES = { namespace: "sys", leaseNamespace: "leases", certSecret: "certs", registration: "reg" };
const LEASE = { namespace: "leases", name: "lease", identity: "a_1", leaseDurationMs: 15_000 };

describe("what doctor reads", () => {
  test("the rights are every verb of every rule that is bound to the service account, where it is bound", () => {
    const texts = wantedRights(NAMES).map(rightText);
    for (const text of [
      "patch claimrequests/status.claims.beskar7.io",
      "patch physicalhosts.infrastructure.cluster.x-k8s.io",
      "delete leases.coordination.k8s.io in namespace leases",
      "update secrets certs in namespace sys",
      "patch validatingwebhookconfigurations.admissionregistration.k8s.io reg",
    ]) {
      assert(texts.includes(text), `${text} in\n${texts.join("\n")}`);
    }
    const bound = rbacObjects(NAMES)
      .filter(({ kind }) => kind?.endsWith("RoleBinding"))
      .map(({ roleRef }) => (roleRef as { name: string }).name);
    const granted = rbacObjects(NAMES)
      .filter(({ kind, metadata }) => !kind?.endsWith("Binding") && bound.includes(metadata.name))
      .flatMap(({ rules = [] }) => rules as { resources: string[]; verbs: string[] }[])
      .reduce((sum, { resources, verbs }) => sum + resources.length * verbs.length, 0);
    assert.equal(texts.length, granted);
    assert.equal(new Set(texts).size, texts.length);
  });

  test("stateless replicas want no right to watch, and of Leases only to read", () => {
    const leases = wantedRights(NAMES, true).filter(({ resource }) => resource === "leases");
    assert.deepEqual(leases.map(rightText), ["get leases.coordination.k8s.io in namespace leases"]);
    assert.ok(wantedRights(NAMES, true).every(({ verb }) => verb !== "watch"));
  });

  test("a replica's flags are those of its container, its names those that the kubelet will put in", () => {
    const replica = readReplica(replicaPod("replica-0", { args: ["--claim-coordinator-retry-period=3s"] }));
    assert.equal(replica.config?.retryPeriodMs, 3_000);
    assert.equal(replica.config?.leaderElection, true);
    assert.equal(replica.config?.serviceNamespace, "beskar7-system");
    assert.deepEqual([replica.ownName, replica.nameWrittenOut], ["replica-0", false]);
  });

  test("the Secret behind --webhook-cert-dir is found by its mount", () => {
    const pod = replicaPod("replica-0", { args: ["--webhook-cert-dir=/certs"] });
    const spec = pod.spec as { containers: object[]; volumes?: object[] };
    spec.volumes = [{ name: "tls", secret: { secretName: "from-cert-manager" } }];
    spec.containers = [{ ...spec.containers[0], volumeMounts: [{ name: "tls", mountPath: "/certs" }] }];
    assert.equal(readReplica(pod).certificateSecret, "from-cert-manager");
  });

  test("another clock's whole second, seen between two moments, bounds how far it is ahead", () => {
    assert.deepEqual(aheadOf(10_000, { beforeMs: 9_500, afterMs: 9_700 }), { leastMs: 300, mostMs: 1_500 });
  });

  /** A Lease that is renewed at these times of the fake clock. */
  async function watched(renewedAtMs: readonly number[]) {
    const clock = new FakeClock();
    const first = createdLease(LEASE, clock.wallMs());
    const startMs = clock.wallMs();
    const get = async () => {
      const last = renewedAtMs.findLast((atMs) => startMs + atMs <= clock.wallMs());
      return last === undefined ? first : renewedLease(first, LEASE, startMs + last + 60_000);
    };
    const list = async () => ({ metadata: { resourceVersion: "1" }, items: [] });
    const reading = readLeaseFacts({ get, list } as unknown as KubeApi, clock, {
      leaseNamespace: "leases",
      leaseName: "lease",
      retryPeriodMs: 2_000,
      serverAhead: { leastMs: 0, mostMs: 0 },
      podNamespaces: ["leases"],
    });
    await clock.advance(10_000);
    return (await reading)!;
  }

  test("the watch of a Lease ends with its renewal, and bounds the holder's clock by the poll around it", async () => {
    const facts = await watched([1_100]);
    assert.equal(facts.renewed, true);
    assert.equal(facts.watchedMs, 1_250);
    assert.deepEqual(facts.holderAhead, { leastMs: 60_000 - 150, mostMs: 60_000 + 100 });
  });

  test("a Lease that is not renewed is watched for three retry periods", async () => {
    const facts = await watched([]);
    assert.deepEqual([facts.renewed, facts.watchedMs, facts.holderAhead], [false, 6_250, null]);
  });

  test("samples are read with their labels, comments are not", () => {
    assert.deepEqual(parseMetrics('# HELP a b\na{x="1",y="q\\"r"} 2.5\nb 1e3\n'), [
      { name: "a", labels: { x: "1", y: 'q\\"r' }, value: 2.5 },
      { name: "b", labels: {}, value: 1000 },
    ]);
  });
});
