import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { Registry } from "prom-client";
import type { CaBundleKeeper } from "../certs/ca-bundle.ts";
import type { ClientAuthority } from "../certs/client-authority.ts";
import type { CertificateSource, ServingCertificate } from "../certs/source.ts";
import { startWebhookServer } from "../webhooks/server.ts";
import type { SignReceipt } from "../webhooks/stamps.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Config } from "./config.ts";
import { EventRecorder } from "./coordinator/events.ts";
import { holderIdentity } from "./coordinator/naming.ts";
import { Orphans } from "./coordinator/orphans.ts";
import { profileForKind, profileForMachineKind, profiles } from "./hosts/profiles.ts";
import type { KubeApi } from "./kube/api.ts";
import { isNotFound } from "./kube/errors.ts";
import { whoAmI } from "./kube/identity.ts";
import type { Log } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createHealthApp, type OpsRoute } from "./ops/app.ts";
import type { Auth } from "./ops/auth.ts";
import { gaugeSources } from "./ops/gauges.ts";
import { PeopleDoor } from "./ops/people-door.ts";
import { Readiness } from "./ops/readiness.ts";
import { registrationEvents } from "./ops/registration-events.ts";
import { replicaEvents } from "./ops/replica-events.ts";
import type { OpsServer } from "./ops/server.ts";
import { startOpsServer } from "./ops/server.ts";
import { Replica, type ReplicaEvents } from "./replica.ts";
import { VERSION } from "./version.ts";

/** Reviews under way get this long when the process is told to end. */
const DRAIN_MS = 10_000;
const ORPHAN_LOOK_MS = 30_000;
/** A certificate this close to its end makes the replica unready before it makes reviews fail. */
const CERTIFICATE_MARGIN_MS = 60_000;

export interface ManagerOptions {
  config: Config;
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  certificates: CertificateSource;
  /** Looks after the webhook configurations, and tells when somebody edited one. */
  registrations: Pick<CaBundleKeeper, "edits" | "onEdited">;
  sign: SignReceipt | null;
  /** Aborted: whatever start-up still waits for is given up, and startManager rejects. */
  signal: AbortSignal;
  /** Who may read metrics and queue. */
  auth: Auth;
  /** What else the people's door serves. */
  routes: readonly OpsRoute[];
  /** Whose client certificates may post reviews; null: anybody may. */
  clientAuthority: ClientAuthority | null;
  /** Served at the webhook's door beside the reviews. */
  webhookFallback: RequestListener | null;
}

export interface Manager {
  readonly identity: string;
  readonly replica: Replica;
  readonly registry: Registry;
  readonly addresses: { webhook: AddressInfo; metrics: AddressInfo | null; health: AddressInfo | null };
  /**
   * Unready, Lease released, reviews under way answered, everything closed. Idempotent.
   * `lingerMs`: how long it goes on answering reviews first, since a cluster still sends it some; default 0.
   */
  stop(options?: { lingerMs?: number }): Promise<void>;
}

/** One running replica: rooms, doors, certificate and metrics. Rejects when a port or the first certificate can't be had. */
export async function startManager(options: ManagerOptions): Promise<Manager> {
  const { config, clock, log } = options;
  const readiness = new Readiness();
  const doors: OpsServer[] = [];
  const end = new AbortController();
  try {
    // First of all, so that a probe is told what is missing while there is nothing else to be told by.
    const live = [{ name: "ping", check: () => ({ ok: true, why: "" }) }];
    const healthApp = createHealthApp({ live, ready: readiness.checks() }, log);
    const address = config.healthProbeBindAddress;
    const health =
      address === null ? null : await startOpsServer({ app: healthApp, address, tls: null, clock, log });
    if (health !== null) doors.push(health);
    return await startBehind(options, readiness, doors, end, health);
  } catch (error) {
    end.abort(error);
    await Promise.all(doors.map((door) => door.close(0)));
    throw error;
  }
}

async function startBehind(
  options: ManagerOptions,
  readiness: Readiness,
  doors: OpsServer[],
  end: AbortController,
  health: OpsServer | null,
): Promise<Manager> {
  const { config, api, clock, log, random, certificates, clientAuthority } = options;
  const work = new AbortController();
  // Whoever started this may give up while it still waits for the API server or for its first certificate.
  const starting = AbortSignal.any([end.signal, options.signal]);
  const registry = new Registry();
  const metrics = createMetrics(registry, { version: VERSION });
  metrics.knowLeaseNamespace(config.leaseNamespace);

  const { identity, warning } = await identify(options, starting);
  readiness.identified();
  if (warning !== null) log.warn({ identity }, warning);
  const events = new EventRecorder({
    api,
    clock,
    log,
    random,
    component: "beskar7-claim-coordinator",
    instance: identity.slice(0, identity.lastIndexOf("_")),
  });
  const door = new PeopleDoor(clock);
  const replica = new Replica({
    ...config,
    api,
    clock,
    log,
    random,
    profiles,
    identity,
    stands: config.leaderElection,
    relistMs: config.relistPeriodMs,
    holderServiceAccounts: config.holderServiceAccounts.map(({ namespace, name }) => `${namespace}:${name}`),
    sign: options.sign,
    on: both(
      replicaEvents({
        metrics,
        events,
        log,
        clock,
        leaseNamespace: config.leaseNamespace,
        world: () => replica.world,
      }),
      door.on,
    ),
  });
  /** Of what all replicas see, one tells: the leader, or whoever is there while none of them leads. */
  const speaks = () => {
    const holder = replica.holder.state();
    return replica.isLeading() || holder.kind === "none" || holder.foreign;
  };
  options.registrations.onEdited(registrationEvents(events, speaks));
  const orphans = new Orphans({
    api,
    world: replica.world,
    clock,
    log,
    profileFor: profileForKind,
    profileForMachine: profileForMachineKind,
    release: config.releaseOrphanedHosts,
    onOrphan: (host) =>
      events.emit(
        { apiVersion: apiVersionOf(host.kind), ...host },
        "Warning",
        "OrphanedHost",
        `Its consumer ${host.consumer?.kind} ${host.consumer?.namespace}/${host.consumer?.name} does not exist`,
      ),
  });

  readiness.mirrorsFrom(() => replica.notReady());
  await startUntil(certificates, end, starting);
  readiness.certificateFrom(() => certificateProblem(certificates, clock));
  await clientAuthority?.start(end.signal);
  const reviewTls = () => ({
    ...pairOf(certificates.current()),
    ...(clientAuthority !== null && { ca: clientAuthority.current(), requestCert: true }),
  });
  const webhook = await startWebhookServer(config.webhookBindAddress, {
    routes: replica.routes,
    fallback: options.webhookFallback ?? notFound,
    tls: reviewTls(),
    webhookTimeoutMs: config.webhookTimeoutMs,
    maxInflightReviews: config.maxInflightReviews,
    clock,
    log,
    onFailure: (route, request, failure) =>
      replica.outcomes.fail(route === "/mutate" ? "mutate" : "validate", request, failure),
  });

  readiness.portOpened();
  try {
    const opsApp = door.app({
      replica,
      identity,
      certificates,
      registry,
      auth: options.auth,
      secure: config.metricsSecure,
      showsQueue: !config.stateless,
      routes: options.routes,
      log,
      signal: end.signal,
    });
    const metricsServer =
      config.metricsBindAddress === null
        ? null
        : await startOpsServer({
            app: opsApp,
            address: config.metricsBindAddress,
            tls: config.metricsSecure ? pairOf(certificates.current()) : null,
            clock,
            log,
          });
    if (metricsServer !== null) doors.push(metricsServer);

    const serveCurrent = () => {
      if (config.metricsSecure) metricsServer?.setTls(pairOf(certificates.current()));
      webhook.setTls(reviewTls());
    };
    const serveAnew = () => {
      const fields = { notAfter: new Date(certificates.current().notAfterMs).toISOString() };
      try {
        serveCurrent();
        log.info(fields, "Serving a new certificate");
      } catch (error) {
        log.error({ err: error, ...fields }, "A new certificate could not be put to use");
      }
    };
    certificates.onChange(serveAnew);
    clientAuthority?.onChange(serveAnew);
    // What changed while the ports were being opened has told nobody.
    serveCurrent();
    metrics.gaugesFrom(gaugeSources({ ...options, replica, orphans, webhook, identity }));
    const running = replica.run(work.signal, end.signal);
    const stopOrphans = every(clock, ORPHAN_LOOK_MS, () => {
      // Nobody is known to be gone where nothing is watched.
      if (!config.stateless) void orphans.look(speaks());
    });

    let stopped: Promise<void> | undefined;
    const stop = async (lingerMs: number) => {
      readiness.drain();
      stopOrphans();
      webhook.drain();
      work.abort(new Error("shutdown"));
      await Promise.all([running, sleep(clock, lingerMs)]);
      end.abort(new Error("shutdown"));
      await Promise.all([webhook.close(DRAIN_MS), ...doors.map((door) => door.close(DRAIN_MS))]);
    };
    return {
      identity,
      replica,
      registry,
      addresses: {
        webhook: webhook.address,
        metrics: metricsServer?.address ?? null,
        health: health?.address ?? null,
      },
      stop: ({ lingerMs = 0 } = {}) => (stopped ??= stop(lingerMs)),
    };
  } catch (error) {
    work.abort(error);
    await webhook.close(0);
    throw error;
  }
}

/** Asked again while the API server can't be reached: a name that it does not know would claim for nobody. */
const IDENTIFY_RETRY_MS = 1_000;

/** A server too old to say who asks (before Kubernetes 1.28) leaves POD_NAME or the hostname. */
async function identify({ config, api, clock, log }: ManagerOptions, signal: AbortSignal) {
  const name = config.podName || hostname();
  for (;;) {
    signal.throwIfAborted();
    try {
      return holderIdentity(name, await whoAmI(api, { signal }), randomUUID());
    } catch (error) {
      if (isNotFound(error)) {
        log.warn({ name }, "The API server is too old to say how it sees this replica");
        return holderIdentity(name, null, randomUUID());
      }
      log.warn({ err: error }, "The API server does not say yet how it sees this replica");
    }
    await sleep(clock, IDENTIFY_RETRY_MS, signal);
  }
}

/** Certificates are followed until the end; only the wait for the first one can be given up earlier. */
async function startUntil(
  certificates: CertificateSource,
  end: AbortController,
  starting: AbortSignal,
): Promise<void> {
  const givenUp = () => end.abort(starting.reason);
  starting.addEventListener("abort", givenUp, { once: true });
  try {
    await certificates.start(end.signal);
  } finally {
    starting.removeEventListener("abort", givenUp);
  }
}

function pairOf({ keyPem, certPem }: ServingCertificate): { key: string; cert: string } {
  return { key: keyPem, cert: certPem };
}

function certificateProblem(certificates: CertificateSource, clock: Clock): string | null {
  const leftMs = certificates.current().notAfterMs - clock.wallMs();
  if (leftMs > CERTIFICATE_MARGIN_MS) return null;
  return leftMs > 0 ? "the serving certificate ends within a minute" : "the serving certificate has expired";
}

function apiVersionOf(hostKind: string): string {
  const type = profileForKind(hostKind)?.hostType;
  return type === undefined ? "" : `${type.group}/${type.version}`;
}

/** Events told twice: to metrics and Events, and to what people look at. */
function both(first: ReplicaEvents, second: PeopleDoor["on"]): ReplicaEvents {
  return {
    ...first,
    decision(record) {
      first.decision(record);
      second.decision(record);
    },
    leader(event, identity) {
      first.leader(event, identity);
      second.leader(event, identity);
    },
    bindResult(result) {
      first.bindResult(result);
      second.bindResult(result);
    },
  };
}

const notFound: RequestListener = (_request, response) => {
  response.writeHead(404, { "content-type": "text/plain" }).end("Nothing is served at this path.\n");
};

function every(clock: Clock, ms: number, run: () => void): () => void {
  const again = () => {
    run();
    timer = clock.schedule(ms, again);
  };
  let timer = clock.schedule(ms, again);
  return () => timer.cancel();
}
