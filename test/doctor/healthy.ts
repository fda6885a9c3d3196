import { createAuthority, issueServing } from "../../certs/x509.ts";
import { registrationObjects } from "../../src/cli/install-objects.ts";
import { readReplica } from "../../src/doctor/collect/replicas.ts";
import type { ClusterFacts, LeaseFacts, ReplicaFacts, Snapshot } from "../../src/doctor/snapshot.ts";
import { worldOf } from "../../src/doctor/world.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { LeaseRecord } from "../../src/leader/lease.ts";
import { type PodChanges, replicaPod } from "./pods.ts";

export const NOW_MS = Date.UTC(2026, 0, 10);
const DAY_MS = 24 * 3_600_000;
const NAMESPACE = "beskar7-system";
const SERVICE = "beskar7-claim-coordinator";
const HOLDER = "replica-0_6f1c2b1e-5b0f-4a43-9f55-0c9e3f1d2a4b";

const names = {
  namespace: NAMESPACE,
  leaseNamespace: NAMESPACE,
  certSecret: "certs",
  registration: SERVICE,
};
const target = { service: { namespace: NAMESPACE, name: SERVICE } };
const validity = { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + 89 * DAY_MS };
const authority = createAuthority({ commonName: "ours", ...validity });
const serving = issueServing(authority, { dnsNames: [`${SERVICE}.${NAMESPACE}.svc`], ...validity });

export function replica(name: string, changes: PodChanges = {}): ReplicaFacts {
  return readReplica(replicaPod(name, changes));
}

export function leaseRecord(changes: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    uid: "u",
    resourceVersion: "2",
    holderIdentity: HOLDER,
    leaseDurationSeconds: 15,
    leaseTransitions: 1,
    acquireTime: "2026-01-09T00:00:00.000000Z",
    renewTime: "2026-01-10T00:00:00.000000Z",
    signedBy: HOLDER,
    ...changes,
  };
}

export function leaseFacts(changes: Partial<LeaseFacts> = {}): LeaseFacts {
  return {
    record: leaseRecord(),
    createdAtMs: NOW_MS - DAY_MS,
    watchedMs: 1_500,
    after: leaseRecord(),
    renewed: true,
    holderAhead: { leastMs: -100, mostMs: 300 },
    holderPods: { ok: true, value: [`${NAMESPACE}/replica-0`] },
    ...changes,
  };
}

export function clusterFacts(
  changes: Partial<Pick<ClusterFacts, "hosts" | "machines" | "requests" | "served">> = {},
): ClusterFacts {
  const served = ["PhysicalHost", "Beskar7Machine", "ClaimRequest"];
  const objects = { hosts: [], machines: [], requests: [], served, ...changes };
  return { ...objects, world: worldOf(objects), orphans: [], stillFree: [] };
}

function registered(wanted: KubeObject): KubeObject {
  const webhooks = structuredClone(wanted.webhooks) as { clientConfig: { caBundle?: string } }[];
  for (const entry of webhooks)
    entry.clientConfig.caBundle = Buffer.from(authority.certPem).toString("base64");
  return { ...wanted, metadata: { ...wanted.metadata, creationTimestamp: "2026-01-01T00:00:00Z" }, webhooks };
}

const METRIC = "beskar7_claim_coordinator_";

/** What a replica of this service says of itself, with these samples (name and labels to value). */
export function metricsPage(name: string, samples: Readonly<Record<string, number>>, version = "1.2.3") {
  const lines = Object.entries({ [`build_info{version="${version}"}`]: 1, ...samples });
  const text = lines.map(([series, value]) => `${METRIC}${series} ${value}\n`).join("");
  return { url: `https://${name}`, page: { ok: true, value: text } } as const;
}

/** An installation of which nothing is wrong; every part can be said otherwise. */
export function healthy(changes: Partial<Snapshot> = {}): Snapshot {
  const wanted = registrationObjects(names, { target });
  return {
    nowMs: NOW_MS,
    place: { ...names, leaseName: "lease", serviceName: SERVICE, target, wanted },
    serverAhead: { leastMs: -400, mostMs: 700 },
    replicas: { ok: true, value: [replica("replica-0"), replica("replica-1")] },
    lease: { ok: true, value: leaseFacts() },
    rights: {
      ok: true,
      value: {
        user: `system:serviceaccount:${NAMESPACE}:${SERVICE}`,
        isService: true,
        asked: 38,
        missing: [],
      },
    },
    registrations: {
      ok: true,
      value: wanted.map((object) => ({ wanted: object, actual: registered(object) })),
    },
    certificate: { ok: true, value: { source: "Secret certs", certPem: serving.certPem, problem: "" } },
    probe: { result: "reviewed", host: "pool/host-1", detail: "Delegated" },
    cluster: { ok: true, value: clusterFacts() },
    events: { ok: true, value: [] },
    metrics: [],
    ...changes,
  };
}
