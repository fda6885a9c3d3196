import { webhookEntries } from "../../certs/registration-diff.ts";
import { SERVICE_NAME } from "../cli/install-names.ts";
import { registrationObjects } from "../cli/install-objects.ts";
import { namesOf, registrationOf } from "../cli/setup.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { fieldsOf, textOf } from "../hosts/fields.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { introduce } from "./collect/clocks.ts";
import { readClaimEvents, readCluster } from "./collect/cluster.ts";
import { readLeaseFacts } from "./collect/lease.ts";
import { readMetrics } from "./collect/metrics.ts";
import { reading } from "./collect/reading.ts";
import { readReplicas } from "./collect/replicas.ts";
import { readRights } from "./collect/rights.ts";
import { readServed } from "./collect/served.ts";
import { probe, readCertificate, readCertificateFile, readRegistrations } from "./collect/webhooks.ts";
import type {
  CertificateFacts,
  Place,
  Probe,
  Reading,
  RegistrationFacts,
  ReplicaFacts,
  Snapshot,
} from "./snapshot.ts";

export interface CollectOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly config: Config;
}

/**
 * Reads everything that the checks look at, and changes nothing. Rejects with a KubeError where the API server can't
 * be asked at all; what else can't be read is noted in the snapshot.
 */
export async function collect(options: CollectOptions): Promise<Snapshot> {
  const { api, clock, config } = options;
  const nowMs = clock.wallMs();
  const { caller, serverAhead } = await introduce(api, clock);
  const replicas = await reading(
    readReplicas(api, { namespace: config.serviceNamespace, serviceName: config.webhookServiceName }),
  );
  const running = replicas.ok ? replicas.value : [];
  const registered = await reading(readRegistrations(api, namesOf(config).registration));
  const place = placeOf(config, running, registered);
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
      caller,
      stateless: running.length > 0 && running.every((replica) => replica.config?.stateless),
    }),
  );
  const served = "url" in place.target ? await readServed(place.target.url, clock) : null;
  const probed = cluster.then((facts) => probe(api, facts.ok ? facts.value.hosts : []));
  return {
    nowMs,
    place,
    serverAhead,
    replicas,
    registrations: registered.ok ? { ok: true, value: pairs(place.wanted, registered.value) } : registered,
    certificate: await reading(certificateOf(options, place, running, served)),
    events: await reading(readClaimEvents(api)),
    metrics: await readMetrics(config, clock, {
      caPem: registered.ok ? authorityIn(registered.value) : "",
      serverName: serverNameOf(place),
    }),
    rights: await rights,
    lease: await lease,
    cluster: await cluster,
    probe: withConnection(await probed, served),
  };
}

/**
 * What ought to be there, as the flags of the running replicas say. Without one the command's own do; and where
 * those name no URL, a service that is registered by one is taken to run there.
 */
function placeOf(
  config: Config,
  running: readonly ReplicaFacts[],
  registered: Reading<readonly (KubeObject | null)[]>,
): Place {
  const theirs = running.find((replica) => replica.config !== null)?.config ?? null;
  const said = registrationOf(theirs !== null && config.webhookUrl === "" ? theirs : config);
  const url = theirs === null && config.webhookUrl === "" && registered.ok ? urlOf(registered.value) : null;
  const registration = url === null ? said : { ...said, target: { url } };
  const names = namesOf(config);
  return {
    ...names,
    leaseName: config.leaseName,
    serviceName: config.webhookServiceName,
    target: registration.target,
    wanted: registrationObjects(names, registration),
  };
}

/** The base of the URLs in these configurations; null where there is none. */
function urlOf(registered: readonly (KubeObject | null)[]): string | null {
  const urls = registered.flatMap((object) =>
    object === null
      ? []
      : webhookEntries(object).map(({ clientConfig }) => textOf(fieldsOf(clientConfig).url)),
  );
  const [first = ""] = urls;
  return URL.canParse(first) ? new URL(first).origin + new URL(first).pathname.replace(/\/[^/]*$/, "") : null;
}

/** The certificate authority that the API server is told to trust; "" where it is told none. */
function authorityIn(registered: readonly (KubeObject | null)[]): string {
  const entries = registered.flatMap((object) => (object === null ? [] : webhookEntries(object)));
  const bundle = entries.map(({ clientConfig }) => clientConfig?.caBundle ?? "").find((text) => text !== "");
  return Buffer.from(bundle ?? "", "base64").toString();
}

/** The name that the service's certificate has, whatever way leads to a replica. */
function serverNameOf({ target }: Place): string {
  if ("url" in target) return new URL(target.url).hostname.replace(/^\[|\]$/g, "");
  return `${target.service.name}.${target.service.namespace}.svc`;
}

function pairs(wanted: readonly KubeObject[], actual: readonly (KubeObject | null)[]): RegistrationFacts[] {
  return wanted.map((object) => ({
    wanted: object,
    actual: actual.find((other) => other?.kind === object.kind) ?? null,
  }));
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

/** Where no claim could be tried, whether anybody answers at the URL is known all the same. */
function withConnection(probed: Probe, served: CertificateFacts | string | null): Probe {
  if (probed.result !== "unknown" || typeof served !== "string") return probed;
  return { result: "unreachable", host: "", detail: served };
}
