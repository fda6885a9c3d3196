import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatTerm } from "../../src/claims/claim.ts";
import { examine } from "../../src/doctor/checks.ts";
import { reportText } from "../../src/doctor/report.ts";
import type { LeaseFacts, Snapshot } from "../../src/doctor/snapshot.ts";
import { MODE_ANNOTATION, TERM_ANNOTATION } from "../../src/hosts/annotations.ts";
import { termOf } from "../../src/leader/lease.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { clusterFacts, healthy, leaseFacts, leaseRecord, metricsPage, NOW_MS, replica } from "./healthy.ts";

const unreadable = { ok: false, problem: "pods is forbidden" } as const;
const lease = (changes: Partial<LeaseFacts>): Partial<Snapshot> => ({
  lease: { ok: true, value: leaseFacts(changes) },
});
const replicas = (...value: ReturnType<typeof replica>[]): Partial<Snapshot> => ({
  replicas: { ok: true, value },
});
const outside = { ...healthy().place, target: { url: "https://coordinator.example:9443" } };

/** What a change of a healthy installation is told as: severity and code, in the order of the report. */
const CASES: Record<string, readonly [Partial<Snapshot>, readonly string[]]> = {
  "nothing is wrong": [{}, []],
  "what can't be read is told, part by part, and the rest is judged": [
    {
      replicas: unreadable,
      lease: unreadable,
      rights: unreadable,
      registrations: unreadable,
      certificate: unreadable,
      cluster: unreadable,
      events: unreadable,
      metrics: [{ url: "https://a", page: unreadable }],
    },
    [
      "warning NotReadable",
      "warning NotReadable",
      "warning NotReadable",
      "warning RightsNotChecked",
      "warning NotReadable",
      "warning NotReadable",
      "warning NotReadable",
      "warning NotReadable",
    ],
  ],
  "a Lease that is given up while it is watched is a warning": [
    lease({ after: leaseRecord({ holderIdentity: "" }), renewed: false }),
    ["warning LeaseNotHeld"],
  ],
  "a Lease that is deleted while it is watched is a warning": [
    lease({ after: null, renewed: false }),
    ["warning LeaseNotHeld"],
  ],
  "a Lease that nobody holds is an error where somebody should": [
    lease({ record: leaseRecord({ holderIdentity: "" }) }),
    ["error LeaseNotHeld"],
  ],
  "whether the holder has a pod can be unreadable": [
    lease({ holderPods: unreadable }),
    ["warning NotReadable"],
  ],
  "outside a cluster a holder without a pod is a warning": [
    { ...lease({ holderPods: { ok: true, value: [] } }), ...replicas(), place: outside },
    ["warning HolderWithoutPod", "error CertificateNameMismatch"],
  ],
  "a holder whose claims were let through as such in its term is recognised, pod or not": [
    {
      ...lease({ holderPods: { ok: true, value: [] } }),
      cluster: { ok: true, value: clusterFacts({ hosts: [claimedIn(formatTerm(termOf(leaseRecord())))] }) },
    },
    [],
  ],
  "claims of another term prove nothing": [
    {
      ...lease({ holderPods: { ok: true, value: [] } }),
      cluster: { ok: true, value: clusterFacts({ hosts: [claimedIn("u/0/somebody")] }) },
    },
    ["error HolderWithoutPod"],
  ],
  "many changes of the leader over a long time are none too many": [
    lease({ after: leaseRecord({ leaseTransitions: 40 }), createdAtMs: NOW_MS - 30 * 24 * 3_600_000 }),
    [],
  ],
  "a few changes of the leader in a short time are a rollout": [
    lease({ after: leaseRecord({ leaseTransitions: 4 }), createdAtMs: NOW_MS - 60_000 }),
    [],
  ],
  "no replica is ready: an error for each": [
    replicas(replica("a", { ready: false }), replica("b", { ready: false })),
    ["error ReplicaNotReady", "error ReplicaNotReady"],
  ],
  "the same name for two replicas with tokens of their own is a warning": [
    replicas(replica("a", { podName: "x" }), replica("b", { podName: "x" })),
    ["warning IdentityShared"],
  ],
  "service accounts that only one replica recognises are an error": [
    replicas(replica("a"), replica("b", { args: ["--holder-service-accounts=capi:manager"] })),
    ["error FlagsDiffer"],
  ],
  "a kubeconfig of its own makes a replica's identity nobody's": [
    replicas(replica("a", { args: ["--kubeconfig=/etc/kubeconfig"] })),
    ["error TokenNotBound"],
  ],
  "an entry that is not ours in our registration is a warning": [
    {
      registrations: {
        ok: true,
        value: [
          {
            wanted: healthy().place.wanted[0]!,
            actual: { ...healthy().place.wanted[0]!, webhooks: [{ name: "other.example" }] },
          },
        ],
      },
    },
    [
      "error RegistrationEdited",
      "error RegistrationEdited",
      "warning RegistrationEdited",
      "error CaBundleMissing",
    ],
  ],
  "a trial claim that something else refused proves nothing": [
    { probe: { result: "unknown", host: "pool/host-1", detail: "denied by policy" } },
    ["warning NotReadable"],
  ],
  "without a host there is nothing to try": [
    { probe: { result: "unknown", host: "", detail: "there is no host to claim" } },
    [],
  ],
  "a service that this machine can't reach, with no host to try a claim of, may be reached all the same": [
    { probe: { result: "unreachable", host: "", detail: "ECONNREFUSED" } },
    ["warning WebhookUnreachable"],
  ],
  "a clock that may be right is right": [{ serverAhead: { leastMs: -9_000, mostMs: 20_000 } }, []],
  "a clock that is certainly wrong is told": [
    { serverAhead: { leastMs: 5_001, mostMs: 20_000 } },
    ["warning ClockSkew"],
  ],
  "a holder's clock that is certainly behind is told as well": [
    lease({ holderAhead: { leastMs: -20_000, mostMs: -5_001 } }),
    ["warning ClockSkew"],
  ],
  "and one that is certainly ahead": [
    lease({ holderAhead: { leastMs: 5_001, mostMs: 20_000 } }),
    ["warning ClockSkew"],
  ],
  "a host that was claimed before there was a registration is as it should be": [
    { cluster: { ok: true, value: clusterFacts({ hosts: [heldHost("2025-12-01T00:00:00Z")] }) } },
    [],
  ],
  "a host without a stamp that is younger than the registration arrived claimed": [
    { cluster: { ok: true, value: clusterFacts({ hosts: [heldHost("2026-01-05T00:00:00Z")] }) } },
    ["warning HostClaimedAtArrival"],
  ],
  "a host that is free for a claim is nobody's fault while nobody leads": [
    {
      lease: { ok: true, value: leaseFacts({ record: leaseRecord({ holderIdentity: "" }), renewed: false }) },
      cluster: { ok: true, value: waitingForFreeHost() },
    },
    ["error LeaseNotHeld"],
  ],
  "and the leader's while somebody does": [
    { cluster: { ok: true, value: waitingForFreeHost() } },
    ["warning HostNotGiven"],
  ],
  "an API server without hosts and requests has neither": [
    { cluster: { ok: true, value: clusterFacts({ served: [] }) } },
    ["error RequestsNotServed", "error HostsNotServed"],
  ],
  "a page that is no /metrics of this service can't be judged": [
    { metrics: [{ url: "https://a", page: { ok: true, value: "up 1\n" } }] },
    ["warning NotReadable"],
  ],
  "mirrors that were heard of lately are well": [
    {
      metrics: [
        metricsPage("a", { 'watch_staleness_seconds{resource="leases"}': 3 }),
        metricsPage("b", { 'watch_staleness_seconds{resource="leases"}': 121 }),
      ],
    },
    ["warning MirrorStale"],
  ],
  "a replica that can't judge one review in a hundred is told, one in a thousand is not": [
    {
      metrics: [
        metricsPage("a", {
          'admission_decisions_total{verdict="allow",reason="leader"}': 999,
          'admission_decisions_total{verdict="error",reason="NotReady"}': 1,
        }),
        metricsPage("b", {
          'admission_decisions_total{verdict="allow",reason="leader"}': 98,
          'admission_decisions_total{verdict="error",reason="NotReady"}': 2,
        }),
      ],
    },
    ["warning ReviewsFailing"],
  ],
  "one replica leads and the others don't": [
    {
      metrics: [
        metricsPage("a", { 'leadership_duration_seconds{identity="a"}': 12 }),
        metricsPage("b", { 'leadership_duration_seconds{identity="b"}': 0 }),
      ],
    },
    [],
  ],
  "two that say that they lead are told": [
    {
      metrics: [
        metricsPage("a", { 'leadership_duration_seconds{identity="a"}': 12 }),
        metricsPage("b", { 'leadership_duration_seconds{identity="b"}': 3 }),
      ],
    },
    ["error SeveralLead"],
  ],
  "replicas of two versions are told": [
    { metrics: [metricsPage("a", {}), metricsPage("b", {}, "1.2.4")] },
    ["warning VersionsDiffer"],
  ],
};

function claimedIn(term: string) {
  const annotations = { [TERM_ANNOTATION]: term, [MODE_ANNOTATION]: "leader" };
  return physicalHost({ annotations, consumerRef: { kind: "Beskar7Machine", name: "m" } });
}

function heldHost(creationTimestamp: string) {
  return physicalHost({ creationTimestamp, consumerRef: { kind: "Beskar7Machine", name: "m" } });
}

function waitingForFreeHost() {
  const host = physicalHost({ namespace: "pool" });
  const facts = clusterFacts({
    hosts: [host],
    machines: [beskar7Machine({ namespace: "pool", waiting: true })],
  });
  return { ...facts, stillFree: [host.metadata.uid ?? ""] };
}

describe("doctor's checks", () => {
  for (const [fact, [changes, told]] of Object.entries(CASES)) {
    test(fact, () => {
      const problems = examine(healthy(changes)).filter(({ severity }) => severity !== "ok");
      assert.deepEqual(
        problems.map(({ severity, id }) => `${severity} ${id}`),
        told,
        problems.map(({ what }) => what).join("\n"),
      );
    });
  }

  test("what is registered in another way is set right in that way", () => {
    const { wanted } = healthy().place;
    const ignoring = wanted.map((object) => ({
      ...object,
      webhooks: (object.webhooks as object[]).map((entry) => ({ ...entry, failurePolicy: "Ignore" })),
    }));
    const registrations = { ok: true, value: [{ wanted: ignoring[0]!, actual: null }] } as const;
    const [missing] = examine(healthy({ registrations, place: { ...outside, wanted: ignoring } })).filter(
      ({ id }) => id === "RegistrationMissing",
    );
    assert.equal(
      missing?.mend,
      "beskar7-claim-coordinator install -n beskar7-system --webhook-url=https://coordinator.example:9443 --failure-policy=Ignore",
    );
  });

  test("the report of a healthy installation ends with one sentence", () => {
    assert.match(
      reportText(examine(healthy())),
      /^Leader election\n {2}ok {7}replica-0_[\s\S]+\n\nNothing is wrong\.$/,
    );
  });

  test("the report has a problem's command below it, and counts what is too much to list", () => {
    const hosts = Array.from({ length: 12 }, (_, index) =>
      physicalHost({
        name: `host-${index}`,
        uid: `uid-${index}`,
        creationTimestamp: "2026-01-05T00:00:00Z",
        consumerRef: { kind: "Beskar7Machine", name: `m-${index}` },
      }),
    );
    const text = reportText(examine(healthy({ cluster: { ok: true, value: clusterFacts({ hosts }) } })));
    assert.match(
      text,
      /\n {2}warning {2}HostClaimedAtArrival: PhysicalHost .*\n {11}Claims in a create.*\n {11}\$ kubectl/,
    );
    assert.equal(text.match(/HostClaimedAtArrival: PhysicalHost/g)?.length, 10);
    assert.match(text, /\n {2}\.{3} {6}HostClaimedAtArrival: 2 more, which -o json lists\n/);
    assert.match(text, /\n\n0 errors, 12 warnings\.$/);
  });
});
