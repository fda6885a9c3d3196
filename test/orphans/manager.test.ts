import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { EditListener } from "../../certs/ca-bundle.ts";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { parseConfig } from "../../src/config.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, EVENTS, LEASES } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { type Manager, startManager } from "../../src/manager.ts";
import { openAuth } from "../../src/ops/auth.ts";
import { diagnose } from "../doctor/cluster.ts";
import { consumerOf } from "../e2e/objects.ts";
import { settled } from "../support/fake-clock.ts";
import { type OrphansCluster, orphansCluster } from "./cluster.ts";

/** A replica looks every half minute, and a host has to be without its consumer for a minute. */
const LOOK_MS = 30_000;
const GAUGE = /^beskar7_claim_coordinator_orphaned_hosts\{namespace="default",host_kind="PhysicalHost"\} 1$/m;

/** A replica as its command starts it, but for its clock and its certificate. */
async function startReplica(
  { api, clock }: OrphansCluster,
  flags: readonly string[],
  edited: EditListener[] = [],
): Promise<Manager> {
  const words = [
    "manager",
    "--webhook-url=https://coordinator.example",
    "--webhook-bind-address=127.0.0.1:0",
    "--metrics-bind-address=0",
    "--health-probe-bind-address=0",
    ...flags,
  ];
  const parsed = parseConfig(words, { POD_NAME: "coordinator-0", POD_NAMESPACE: "default" });
  assert(parsed.ok, JSON.stringify(parsed));
  const validity = { notBeforeMs: 0, notAfterMs: Date.UTC(2100, 0) };
  const authority = createAuthority({ commonName: "orphans", ...validity });
  const serving = issueServing(authority, {
    dnsNames: ["coordinator.example"],
    ipAddresses: [],
    ...validity,
  });
  const certificate = { ...serving, caPem: authority.certPem, notAfterMs: validity.notAfterMs };
  const manager = await startManager({
    config: parsed.config,
    api,
    clock,
    log: silentLog,
    random: () => 0.5,
    certificates: { current: () => certificate, onChange: () => () => {}, start: async () => {} },
    registrations: { edits: () => [].values(), onEdited: (listener) => edited.push(listener) },
    sign: null,
    signal: new AbortController().signal,
    auth: openAuth,
    routes: [],
    clientAuthority: null,
    webhookFallback: null,
  });
  while (manager.replica.notReady() !== null) await settled();
  return manager;
}

/** What comes of it while time passes, a second a turn. */
async function meanwhile<T>({ clock }: OrphansCluster, outcome: Promise<T>): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  void outcome.then(end, end);
  while (!over) await clock.advance(1_000);
  return outcome;
}

for (const [flags, released] of [
  [[], false],
  [["--release-orphaned-hosts"], true],
] as const) {
  describe(`a replica started with ${flags.length === 0 ? "no flag about orphans" : flags.join(" ")}`, () => {
    const cluster = orphansCluster();
    let manager: Manager;
    const eventsOf = async (host: string) =>
      (await cluster.api.list(EVENTS, { namespace: "default" })).items.filter(
        ({ reason, involvedObject }) =>
          reason === "OrphanedHost" && (involvedObject as { name: string }).name === host,
      );
    const holders = async () => {
      const names = ["orphan", "held"];
      return Promise.all(names.map(async (name) => consumerOf(await cluster.objects.getHost(name))));
    };

    before(async () => {
      await cluster.held("orphan", { kind: "Beskar7Machine", name: "gone" });
      await cluster.objects.machine("alive");
      await cluster.held("held", { kind: "Beskar7Machine", name: "alive" });
      manager = await startReplica(cluster, flags);
    });
    after(() => meanwhile(cluster, Promise.resolve(manager?.stop())));

    test("says and does nothing for a minute", async () => {
      await cluster.clock.advance(LOOK_MS * 3 - 1);
      assert.deepEqual(await holders(), ["gone", "alive"]);
      assert.deepEqual(await eventsOf("orphan"), []);
    });

    test(`then reports the orphan by an Event, and ${released ? "releases it" : "leaves it alone"}`, async () => {
      await cluster.clock.advance(1);
      const [event] = await eventsOf("orphan");
      assert.equal(event?.type, "Warning");
      assert.equal(event?.message, "Its consumer Beskar7Machine default/gone does not exist");
      assert.deepEqual(await holders(), [released ? "" : "gone", "alive"]);
    });

    test(`counts ${released ? "none any more" : "it in its metric"}, and doctor ${released ? "finds none" : "names it"}`, async () => {
      await cluster.clock.advance(LOOK_MS * 20);
      assert.equal(GAUGE.test(await manager.registry.metrics()), !released);
      const said = await meanwhile(cluster, diagnose(cluster.api, { clock: cluster.clock }));
      const found = said.of("ConsumerMissing");
      const orphan =
        "warning PhysicalHost default/orphan names Beskar7Machine default/gone, which does not exist";
      assert.deepEqual(found, released ? [] : [orphan]);
      assert.deepEqual(await holders(), [released ? "" : "gone", "alive"]);
      assert.deepEqual(await eventsOf("held"), []);
    });
  });
}

test("a kind of machine that is no longer served, though its machines live on, makes no orphans", async () => {
  const cluster = orphansCluster();
  await cluster.objects.machine("alive");
  await cluster.held("held", { kind: "Beskar7Machine", name: "alive" });
  const manager = await startReplica(cluster, ["--release-orphaned-hosts"]);
  try {
    const key = { name: "beskar7machines.infrastructure.cluster.x-k8s.io" };
    const { spec } = await cluster.api.get(CUSTOM_RESOURCE_DEFINITIONS, key);
    const [version, ...others] = (spec as { versions: object[] }).versions;
    // As an upgrade ends that has moved the machines to another version.
    const body = { spec: { versions: [{ ...version, served: false }, ...others] } };
    await cluster.api.patch(CUSTOM_RESOURCE_DEFINITIONS, key, { type: "merge", body });
    await cluster.clock.advance(LOOK_MS * 60);
    assert.equal(consumerOf(await cluster.objects.getHost("held")), "alive");
    assert.deepEqual((await cluster.api.list(EVENTS, { namespace: "default" })).items, []);
  } finally {
    await meanwhile(cluster, manager.stop());
  }
});

test("a host of an applied ClaimRequest that is gone is an orphan, once the kind is served", async () => {
  const cluster = orphansCluster();
  const apiVersion = "claims.beskar7.io/v1alpha1";
  await cluster.held("applied", { apiVersion, kind: "ClaimRequest", name: "gone", uid: "of-the-request" });
  const name = "claimrequests.claims.beskar7.io";
  const { spec } = await cluster.api.get(CUSTOM_RESOURCE_DEFINITIONS, { name });
  await cluster.api.delete(CUSTOM_RESOURCE_DEFINITIONS, { name });
  const manager = await startReplica(cluster, []);
  const reasons = async () =>
    (await cluster.api.list(EVENTS, { namespace: "default" })).items.map(({ reason }) => reason);
  const missing = async () =>
    (await meanwhile(cluster, diagnose(cluster.api, { clock: cluster.clock }))).of("ConsumerMissing");
  try {
    await cluster.clock.advance(LOOK_MS * 10);
    assert.deepEqual([await reasons(), await missing()], [[], []]);
    assert.doesNotMatch(await manager.registry.metrics(), GAUGE);
    const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
    await cluster.api.create(CUSTOM_RESOURCE_DEFINITIONS, { ...definition, metadata: { name }, spec });
    await cluster.clock.advance(LOOK_MS * 5);
    assert.deepEqual(await reasons(), ["OrphanedHost"]);
    assert.match(await manager.registry.metrics(), GAUGE);
    assert.deepEqual(await missing(), [
      "warning PhysicalHost default/applied names ClaimRequest default/gone, which does not exist",
    ]);
  } finally {
    await meanwhile(cluster, manager.stop());
  }
});

test("replicas tell of orphans and edited registrations, and release, where the holder is none of them", async () => {
  const cluster = orphansCluster();
  await cluster.held("orphan", { kind: "Beskar7Machine", name: "gone" });
  await cluster.api.create(LEASES, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "default", name: "beskar7-claim-coordinator-leader" },
    spec: {
      holderIdentity: "beskar7-controller-0_1",
      leaseDurationSeconds: 36_000,
      leaseTransitions: 0,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
    },
  });
  const flags = ["--release-orphaned-hosts"];
  const edited: EditListener[] = [];
  const managers = [
    await startReplica(cluster, flags, edited),
    await startReplica(cluster, [...flags, "--enable-claim-coordinator-leader-election"], edited),
  ];
  try {
    const metadata = { name: "registration", uid: "of-the-registration" };
    for (const tell of edited) tell({ kind: "ValidatingWebhookConfiguration", metadata }, ["failurePolicy"]);
    await cluster.clock.advance(LOOK_MS * 3);
    const reasons = (await cluster.api.list(EVENTS, { namespace: "default" })).items.map(
      ({ reason }) => reason,
    );
    assert.deepEqual([...new Set(reasons)].sort(), ["OrphanedHost", "RegistrationEdited"]);
    assert.equal(consumerOf(await cluster.objects.getHost("orphan")), "");
  } finally {
    await meanwhile(cluster, Promise.all(managers.map((manager) => manager.stop())));
  }
});
