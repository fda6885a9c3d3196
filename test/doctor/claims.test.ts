import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { EventRecorder } from "../../src/coordinator/events.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { CLAIM_REQUESTS, EVENTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { newClaimRequest } from "../../src/requests/claim-request.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "../e2e/objects.ts";
import { LEASE_NAMESPACE, Rig, until } from "../e2e/rig.ts";
import { type Diagnosis, diagnose } from "./cluster.ts";
import { holdAndRenew } from "./holder.ts";

const name = "doctor on claims, hosts and machines";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let holder: { end(): Promise<void> };
  let diagnosis: Diagnosis;

  /** Everything that is wrong at once, each in a namespace of its own; a holder that leads and binds nothing. */
  before(async () => {
    rig = await Rig.start();
    // Creation is noted in whole seconds: what is created now is to be later than the registration.
    const registeredMs = Date.now();
    await until(() => Date.now() - registeredMs > 1_000);
    const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", "coordinator-0");
    assert.notEqual(token, "");
    const holding = (machine: string, namespace: string) => ({
      consumerRef: { kind: "Beskar7Machine", name: machine, namespace },
    });
    const fits = await Objects.in(rig.admin, "fits-nothing");
    await fits.host("plain");
    await fits.machine("gpu", { waiting: true, annotations: { "beskar7.io/required-tags": "gpu" } });
    await rig.admin.create(CLAIM_REQUESTS, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      metadata: { namespace: "fits-nothing", name: "applied" },
      spec: { hostKind: "PhysicalHost", requirements: { requiredTags: ["fpga"] } },
    });
    const idle = await Objects.in(rig.admin, "idle");
    await idle.host("free");
    await idle.machine("waits", { waiting: true });
    const held = await Objects.in(rig.admin, "held");
    await held.host("orphan", holding("gone", "held"));
    await held.machine("greedy");
    for (const host of ["one", "two"]) await held.host(host, holding("greedy", "held"));
    const words = await Objects.in(rig.admin, "words");
    await words.machine("mistyped", { annotations: { "claims.beskar7.io/priority": "high" } });
    await rig.admin.create(CLAIM_REQUESTS, misnamed());
    await refuse(await held.machine("refused"));
    holder = await holdAndRenew(rig.admin, "coordinator-0");
    const flags = [`--webhook-url=https://127.0.0.1:${rig.balancer.port}`];
    diagnosis = await diagnose(rig.admin, { flags });
  });
  after(async () => {
    await holder?.end();
    await rig?.stop();
  });

  function misnamed(): KubeObject {
    const consumer = {
      apiVersion: "",
      kind: "Beskar7Machine",
      namespace: "words",
      name: "mistyped",
      uid: "",
    };
    const consumerRef = { kind: "Beskar7Machine", name: "mistyped" };
    const request = newClaimRequest({
      consumer,
      consumerRef,
      hostKind: "PhysicalHost",
    });
    return { ...request, metadata: { ...request.metadata, name: "mine", finalizers: [] } };
  }

  /** As a replica reports a refused claim. */
  async function refuse(machine: KubeObject): Promise<void> {
    const { namespace = "", name: machineName, uid = "" } = machine.metadata;
    const recorder = new EventRecorder({
      api: rig.admin,
      clock: systemClock,
      log: silentLog,
      random: Math.random,
      component: "beskar7-claim-coordinator",
      instance: "coordinator-0",
    });
    const about = {
      apiVersion: machine.apiVersion ?? "",
      kind: "Beskar7Machine",
      namespace,
      name: machineName,
      uid,
    };
    recorder.emit(about, "Normal", "ClaimDelegated", "was put into the queue");
    recorder.emit(about, "Normal", "ClaimConsumerHoldsHost", "its consumer holds host one");
    await until(async () => (await rig.admin.list(EVENTS, { namespace })).items.length === 2);
  }

  const PROVOKED: Record<string, readonly [string, RegExp]> = {
    "a claim that no host fits": [
      "NothingFits",
      /^warning Beskar7Machine fits-nothing\/gpu waits: no host fits, free or not \(it has no label gpu\)$/,
    ],
    "a ClaimRequest that somebody applied and no host fits": [
      "NothingFits",
      /^warning ClaimRequest fits-nothing\/applied waits: no host fits, free or not \(it has no label fpga\)$/,
    ],
    "a claim that waits although a host is free": [
      "HostNotGiven",
      /^warning Beskar7Machine idle\/waits waits although host idle\/free is free for it$/,
    ],
    "a machine with two hosts": [
      "ConsumerHoldsSeveral",
      /^error Beskar7Machine held\/greedy holds 2 hosts: held\/one, held\/two$/,
    ],
    "a host whose consumer does not exist": [
      "ConsumerMissing",
      /^warning PhysicalHost held\/orphan names Beskar7Machine held\/gone, which does not exist$/,
    ],
    "a host that arrived claimed": [
      "HostClaimedAtArrival",
      /^warning PhysicalHost held\/one arrived claimed by Beskar7Machine\/held\/greedy$/,
    ],
    "an annotation that can't be read": [
      "MalformedAnnotation",
      /^warning Beskar7Machine words\/mistyped: claims\.beskar7\.io\/priority: "high" is not an integer/,
    ],
    "a request that is not named after its consumer": [
      "RequestMisnamed",
      /^warning ClaimRequest words\/mine names .*, whose request would be words\/beskar7machine-mistyped$/,
    ],
    "claims that were refused, but those left to the leader": [
      "ClaimsRejected",
      /^warning 1 claim refused with ConsumerHoldsHost \(held\/refused\), the last 0 min ago: its consumer holds/,
    ],
  };
  for (const [what, [id, words]] of Object.entries(PROVOKED)) {
    test(`${what} is told as ${id}`, () => {
      const told = diagnosis.of(id);
      assert(
        told.some((line) => words.test(line)),
        told.join("\n"),
      );
    });
  }

  test("each of them is told once", () => {
    const counts = Object.values(PROVOKED).map(([id]) => [id, diagnosis.of(id).length]);
    const several = counts.filter(([, times]) => times !== 1);
    assert.deepEqual(Object.fromEntries(several), { HostClaimedAtArrival: 3, NothingFits: 2 });
  });
});
