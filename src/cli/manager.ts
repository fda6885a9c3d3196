import type { RequestHandler } from "express";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { ClientAuthority } from "../../certs/client-authority.ts";
import { CertificateFiles } from "../../certs/files.ts";
import { keepCaBundle } from "../../certs/keep-ca-bundle.ts";
import { DEFAULT_ROTATION, type RotationPolicy } from "../../certs/rotation.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import { servingNames } from "../../certs/serving-names.ts";
import type { CertificateSource } from "../../certs/source.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { KubeApi } from "../kube/api.ts";
import { createLog, type Log } from "../log.ts";
import { type Manager, startManager } from "../manager.ts";
import { createFallbackApp } from "../ops/app.ts";
import { type Auth, createAuth, openAuth } from "../ops/auth.ts";
import { checkAccessByReview, checkTokenByReview } from "../ops/auth-kubernetes.ts";
import { checkTokenOffline, issuerKeys } from "../ops/auth-offline.ts";
import { ReceiptKeys } from "../receipts/keys.ts";
import { connect } from "./connect.ts";
import { registrationObjects } from "./install-objects.ts";
import { namesOf, registrationOf } from "./setup.ts";
import { untilSignalled } from "./signals.ts";

/** A cluster learns within about a second that a pod ends, and sends it new connections until then. */
const LINGER_MS = 3_000;

/** `manager`: one replica, until it is told to end. */
export async function runManager(config: Config): Promise<number> {
  const log = createLog(config.logLevel);
  const api = connect(config);
  const end = new AbortController();
  const signalled = untilSignalled();
  signalled.then(() => end.abort(new Error("told to end")));
  try {
    const manager = await launchManager(config, api, log, end.signal);
    log.info({ signal: await signalled }, "Shutting down");
    await manager.stop({ lingerMs: LINGER_MS });
    return 0;
  } catch (error) {
    // Told to end before it had begun: nothing has failed.
    if (end.signal.aborted) return 0;
    throw error;
  } finally {
    end.abort();
    api.close();
  }
}

/** Everything that the flags ask for, started; `signal` ends what is beside the manager itself. */
export async function launchManager(
  config: Config,
  api: KubeApi,
  log: Log,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Manager> {
  const names = namesOf(config);
  const keeper = new CaBundleKeeper({
    api,
    log,
    desired: registrationObjects(names, registrationOf(config)),
  });
  const store = new SecretStore({ api, namespace: names.namespace, name: names.certSecret });
  const fromFiles = config.webhookCertDir !== "";
  const certificates: CertificateSource = fromFiles
    ? new CertificateFiles({ folder: config.webhookCertDir, clock, log })
    : new SelfManagedCertificates({ store, keeper, policy: rotationPolicy(config), clock, log });
  const receiptKeys = new ReceiptKeys({
    store,
    clock,
    log,
    keysInUse: () => manager.replica.following.receiptKeysInUse(),
  });
  const keySet = jwksListener(receiptKeys);
  const manager = await startManager({
    config,
    api,
    clock,
    log,
    random: Math.random,
    certificates,
    registrations: keeper,
    sign: (receipt) => (receiptKeys.ready() ? receiptKeys.sign(receipt) : null),
    signal,
    auth: await authFor(config, api, log, clock),
    routes: [{ path: JWKS_PATH, handler: keySet, guard: null }],
    clientAuthority:
      config.webhookClientCaFile === ""
        ? null
        : new ClientAuthority({ path: config.webhookClientCaFile, clock, log }),
    webhookFallback: createFallbackApp([{ path: JWKS_PATH, handler: keySet }], log),
  });
  receiptKeys.start(signal).catch(() => {});
  if (fromFiles) void keepCaBundle({ keeper, source: certificates, clock, log }, signal);
  const { webhook, metrics, health } = manager.addresses;
  log.info(
    { identity: manager.identity, webhook: webhook.port, metrics: metrics?.port, health: health?.port },
    STARTED[config.stateless ? "stateless" : config.leaderElection ? "standing" : "enforcing"],
  );
  return manager;
}

const STARTED = {
  standing: "Started; standing for election",
  enforcing: "Started; enforcing whoever leads, without standing",
  stateless: "Started; reading what a review needs when it comes, watching nothing",
};

/** Tokens are checked by the API server, or offline where an issuer is named; rights always by the API server. */
async function authFor(config: Config, api: KubeApi, log: Log, clock: Clock): Promise<Auth> {
  if (!config.metricsSecure) return openAuth;
  const { oidcIssuer: issuer, oidcJwks } = config;
  const checkToken =
    issuer === ""
      ? checkTokenByReview({ api, clock })
      : checkTokenOffline({
          issuer,
          audience: OFFLINE_AUDIENCE,
          keys: await issuerKeys(oidcJwks || `${issuer}/openid/v1/jwks`),
          clock,
        });
  return createAuth({
    checkToken,
    checkAccess: checkAccessByReview({ api, clock }),
    onFailure: (error) => log.warn({ err: error }, "A caller's rights could not be checked"),
  });
}

/** What a token has to be made for: \`kubectl create token --audience=beskar7-claim-coordinator\`. */
const OFFLINE_AUDIENCE = "beskar7-claim-coordinator";
const JWKS_PATH = "/.well-known/jwks.json";

/** Public keys, for whoever wants to check a receipt without asking us. */
function jwksListener(keys: ReceiptKeys): RequestHandler {
  return (_request, response) => {
    response.setHeader("Cache-Control", "public, max-age=60");
    response.json(keys.jwks());
  };
}

function rotationPolicy(config: Config): RotationPolicy {
  return {
    ...DEFAULT_ROTATION,
    ...servingNames(registrationOf(config).target),
    overlapWaitMs: config.caOverlapWaitMs,
  };
}
