import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeApi } from "../../src/kube/api.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "./objects.ts";
import { apiFor, LEASE_NAMESPACE, Rig, type RigReplica, until } from "./rig.ts";

const name = "a leader among several replicas";
/** Several ticks of a replica, and well within its renew deadline. */
const SLOW_LIST_MS = 600;
const LEASE_DURATION_MS = 1_500;
const LEASE = { leaseDurationMs: LEASE_DURATION_MS, renewDeadlineMs: 1_200, retryPeriodMs: 200 };

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  const replicas: RigReplica[] = [];

  before(async () => {
    rig = await Rig.start();
  });
  after(() => rig?.stop());

  test("leads on while its first look at everything takes long, however long it stood by", async () => {
    const first = await rig.addReplica("coordinator-0", LEASE);
    await until(() => first.replica.isLeading());
    const events: string[] = [];
    let slow = false;
    const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", "coordinator-1");
    const api = apiFor(rig.plane.kubeconfig({ token }));
    const sluggish: KubeApi = {
      ...api,
      list: async (type, options) => {
        if (slow) await new Promise((resolve) => setTimeout(resolve, SLOW_LIST_MS));
        return api.list(type, options);
      },
    };
    const second = await rig.addReplica("coordinator-1", {
      ...LEASE,
      api: sluggish,
      on: { leader: (event: string) => void events.push(event) } as never,
    });
    await new Promise((resolve) => setTimeout(resolve, LEASE_DURATION_MS + LEASE.retryPeriodMs));
    slow = true;
    const objects = await Objects.in(rig.admin, "slow-lists");
    await objects.machine("machine-1", { waiting: true });
    await first.stop();
    await objects.host("host-1");
    await until(async () => consumerOf(await objects.getHost("host-1")) === "machine-1");
    assert.equal(events.filter((event) => event === "stopped_leading").length, 0);
    slow = false;
    replicas.push(second);
  });

  test("holds back a claim that can't be bound, and no other replica makes anybody wait behind it", async () => {
    replicas.push(await rig.addReplica("coordinator-2", LEASE));
    const [leader, standby] = replicas as [RigReplica, RigReplica];
    assert.ok(leader.replica.isLeading());
    rig.route(standby);
    await forbidHostsTo("ghost");
    const objects = await Objects.in(rig.admin, "ghosts");
    await objects.machine("ghost", { waiting: true, creationTimestamp: undefined });
    // Ages are counted in seconds: the second one has to be younger.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await objects.machine("young", { waiting: true });
    await objects.host("host-1");
    await until(async () => consumerOf(await objects.getHost("host-1")) === "young");
  });

  /** A rule of the site's own, behind ours. */
  async function forbidHostsTo(machine: string): Promise<void> {
    const base = "/apis/admissionregistration.k8s.io/v1";
    const resourceRules = [
      {
        apiGroups: ["infrastructure.cluster.x-k8s.io"],
        apiVersions: ["v1beta1"],
        operations: ["UPDATE"],
        resources: ["physicalhosts"],
      },
    ];
    const expressions = [
      `!has(object.spec.consumerRef) || object.spec.consumerRef.name != '${machine}'`,
      "!has(object.metadata.labels) || !('forbidden' in object.metadata.labels)",
    ];
    const validations = expressions.map((expression) => ({ expression }));
    await rig.plane.call("POST", `${base}/validatingadmissionpolicies`, {
      body: {
        metadata: { name: "site" },
        spec: { failurePolicy: "Fail", matchConstraints: { resourceRules }, validations },
      },
    });
    await rig.plane.call("POST", `${base}/validatingadmissionpolicybindings`, {
      body: { metadata: { name: "site" }, spec: { policyName: "site", validationActions: ["Deny"] } },
    });
    const objects = await Objects.in(rig.admin, "policy-probe");
    await objects.host("probe");
    const body = { metadata: { labels: { forbidden: "" } } };
    const path =
      "/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/policy-probe/physicalhosts/probe?dryRun=All";
    // Policies take a moment to be in force.
    await until(async () => {
      const answer = await rig.plane.call("PATCH", path, {
        body,
        contentType: "application/merge-patch+json",
      });
      return answer.text.includes("site");
    });
  }
});
