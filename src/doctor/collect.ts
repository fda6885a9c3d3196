import { SERVICE_NAME } from "../cli/install-names.ts";
import { registrationObjects } from "../cli/install-objects.ts";
import { namesOf, registrationOf } from "../cli/setup.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { KubeApi } from "../kube/api.ts";
import { introduce } from "./collect/clocks.ts";
import { readClaimEvents, readCluster } from "./collect/cluster.ts";
import { readLeaseFacts } from "./collect/lease.ts";
import { reading } from "./collect/reading.ts";
import { readReplicas } from "./collect/replicas.ts";
import { readRights } from "./collect/rights.ts";
import { readServed } from "./collect/served.ts";
import { probe, readCertificate, readCertificateFile, readRegistrations } from "./collect/webhooks.ts";
import type { CertificateFacts, Place, Probe, ReplicaFacts, Snapshot } from "./snapshot.ts";

export interface CollectOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly config: Config;
  /** The text of one replica's /metrics; null where nobody asked for it. */
  readonly metrics: (() => Promise<string>) | null;
}

/**
 * Reads everything that the checks look at, and changes nothing. Rejects with a KubeError where the API server can't
 * be asked at all; what else can't be read is noted in the snapshot.
 */
export async function collect(options: CollectOptions): Promise<Snapshot> {
  const { api, clock, config, metrics } = options;
  const nowMs = clock.wallMs();
  const { caller, serverAhead } = await introduce(api, clock);
  const replicas = await reading(
    readReplicas(api, { namespace: config.serviceNamespace, serviceName: config.webhookServiceName }),
  );
  const running = replicas.ok ? replicas.value : [];
  const place = placeOf(config, running);
  const foreign = running.flatMap((replica) => replica.config?.holderServiceAccounts ?? []);
  const lease = reading(
    readLeaseFacts(api, clock, {
      ...place,
      serverAhead,
      retryPeriodMs: (running.find((replica) => replica.config !== null)?.config ?? config).retryPeriodMs,
      podNamespaces: [...new Set([place.leaseNamespace, ...foreign.map(({ namespace }) => namespace)])],
    }),
  );
  const cluster = reading(readCluster(api, lease));
  const rights = reading(
    readRights(api, place, {
      serviceAccount: running[0]?.serviceAccount ?? SERVICE_NAME,
      caller: caller?.username ?? "",
    }),
  );
  const served = "url" in place.target ? await readServed(place.target.url, clock) : null;
  const probed = cluster.then((facts) => probe(api, facts.ok ? facts.value.hosts : []));
  return {
    nowMs,
    place,
    caller:
      caller === null ? { ok: false, problem: "the API server does not say" } : { ok: true, value: caller },
    serverAhead,
    replicas,
    registrations: await reading(readRegistrations(api, place.wanted)),
    certificate: await reading(certificateOf(options, place, running, served)),
    events: await reading(readClaimEvents(api)),
    metrics: metrics === null ? null : await text(metrics),
    rights: await rights,
    lease: await lease,
    cluster: await cluster,
    probe: withConnection(await probed, served),
  };
}

/** Flags of the running replicas say what ought to be there; without one, the command's own do. */
function placeOf(config: Config, running: readonly ReplicaFacts[]): Place {
  const theirs = running.find((replica) => replica.config !== null)?.config ?? null;
  const said = theirs !== null && config.webhookUrl === "" ? theirs : config;
  const names = namesOf(config);
  const registration = registrationOf(said);
  return {
    ...names,
    leaseName: config.leaseName,
    serviceName: config.webhookServiceName,
    target: registration.target,
    wanted: registrationObjects(names, registration),
  };
}

/** From where it is served, where this machine may reach that; else from where the replicas take it. */
function certificateOf(
  { api, config }: CollectOptions,
  place: Place,
  running: readonly ReplicaFacts[],
  served: CertificateFacts | string | null,
): Promise<CertificateFacts> {
  if (served !== null && typeof served !== "string") return Promise.resolve(served);
  if (config.webhookCertDir !== "") return readCertificateFile(config.webhookCertDir);
  const mounted = running.find(({ certificateSecret }) => certificateSecret !== null)?.certificateSecret;
  const name = mounted ?? place.certSecret;
  return readCertificate(api, { namespace: place.namespace, name, mounted: mounted != null });
}

/** Without a host there is no claim to try, but whether anybody answers at a URL is known all the same. */
function withConnection(probed: Probe, served: CertificateFacts | string | null): Probe {
  if (probed.result !== "unknown" || typeof served !== "string") return probed;
  return { ...probed, result: "unreachable", detail: served };
}

async function text(metrics: () => Promise<string>): Promise<Snapshot["metrics"]> {
  try {
    return { ok: true, value: await metrics() };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}
