import {
  bindAddress,
  bool,
  choice,
  duration,
  httpsUrl,
  integer,
  namespaceName,
  objectName,
  type Spec,
  serviceAccounts,
  text,
  words,
} from "./spec.ts";

const RUNNING = ["manager", "demo"] as const;
const REGISTERING = ["manager", "install", "uninstall", "doctor"] as const;
const CLUSTER = ["manager", "install", "uninstall", "queue", "explain", "doctor", "verify"] as const;

/**
 * Every flag, by the name of its field in Config. The one source of parsing, --help and docs/flags.md.
 * The names of the first four and their defaults are those of the leader election demo of Beskar7; the names of
 * controller-runtime are kept where it has one.
 */
export const FLAGS = {
  leaderElection: bool({
    flag: "enable-claim-coordinator-leader-election",
    group: "Leader election",
    commands: RUNNING,
    default: "false",
    help: "Whether this replica stands for election. Every replica enforces a valid holder, whatever this says; where nobody stands, claims go the optimistic way.",
  }),
  leaseDurationMs: duration({
    flag: "claim-coordinator-lease-duration",
    group: "Leader election",
    commands: RUNNING,
    default: "15s",
    // The Lease stores whole seconds; a fraction would be another duration to everybody else.
    minMs: 1_000,
    maxMs: 3_600_000,
    wholeSeconds: true,
    help: "How long the others wait, since they last saw the Lease renewed, before they take it.",
  }),
  renewDeadlineMs: duration({
    flag: "claim-coordinator-renew-deadline",
    group: "Leader election",
    commands: RUNNING,
    default: "10s",
    minMs: 1,
    help: "How long the holder tries to renew before it steps down. Less than the lease duration.",
  }),
  retryPeriodMs: duration({
    flag: "claim-coordinator-retry-period",
    group: "Leader election",
    commands: RUNNING,
    default: "2s",
    minMs: 1,
    help: "Pause between two attempts to take or renew the Lease. The renew deadline is more than 1.2 times this.",
  }),
  leaderElectManager: bool({
    flag: "leader-elect",
    group: "Leader election",
    commands: RUNNING,
    default: "false",
    help: "Accepted so that the arguments of a Beskar7 Deployment work unchanged; it changes nothing: every replica of this service is active.",
  }),
  leaseName: objectName({
    flag: "lease-name",
    group: "Leader election",
    commands: ["manager", "demo", "doctor", "explain"],
    default: "beskar7-claim-coordinator-leader",
    help: "The Lease whose holder is enforced. Name another elector's to enforce that one.",
  }),
  leaseNamespace: namespaceName({
    flag: "lease-namespace",
    group: "Leader election",
    commands: ["manager", "demo", "doctor", "explain"],
    default: "",
    help: "Its namespace. Default: POD_NAMESPACE, or beskar7-system where that is not set.",
  }),
  holderServiceAccounts: serviceAccounts({
    flag: "holder-service-accounts",
    group: "Leader election",
    commands: RUNNING,
    default: "",
    help: "Service accounts outside the Lease's namespace whose pods may be the holder.",
  }),

  breakGlassGroups: words({
    flag: "break-glass-groups",
    group: "Claims",
    commands: RUNNING,
    default: "",
    placeholder: "group,...",
    help: "Groups whose members may claim as if they were the holder. Each use is logged. Off by default.",
  }),
  foreignAttemptWindowMs: duration({
    flag: "foreign-attempt-window",
    group: "Claims",
    commands: RUNNING,
    default: "60s",
    minMs: 1_000,
    help: "Under a holder that is not this service, a waiting claim counts as ahead only when that holder tried it this recently.",
  }),
  rejectionCode: choice<409 | 403>({
    flag: "rejection-code",
    group: "Claims",
    commands: RUNNING,
    default: "409",
    choices: { "409": 409, "403": 403 },
    help: "HTTP code of a rejected claim. 409 suits the current Beskar7; 403 suits v0.3.4, which retries the same host five times after a 409.",
  }),
  maxConcurrentBindings: integer({
    flag: "max-concurrent-bindings",
    group: "Claims",
    commands: RUNNING,
    default: "16",
    min: 1,
    max: 256,
    help: "How many bindings the holder writes at once.",
  }),
  releaseOrphanedHosts: bool({
    flag: "release-orphaned-hosts",
    group: "Claims",
    commands: RUNNING,
    default: "false",
    help: "Release a host whose consumer no longer exists. Off: it is only reported.",
  }),
  relistPeriodMs: duration({
    flag: "relist-period",
    group: "Claims",
    commands: RUNNING,
    default: "10m",
    minMs: 1_000,
    help: "How often each mirror is listed anew, besides its watch.",
  }),

  webhookBindAddress: bindAddress({
    flag: "webhook-bind-address",
    group: "Webhooks",
    commands: ["manager"],
    default: ":9443",
    mayBeOff: false,
    help: "Where the API server's reviews arrive (HTTPS).",
  }),
  webhookUrl: httpsUrl({
    flag: "webhook-url",
    group: "Webhooks",
    commands: REGISTERING,
    default: "",
    help: "Base URL to register for a service that runs outside the cluster; replaces the Service.",
  }),
  webhookServiceName: objectName({
    flag: "webhook-service-name",
    group: "Webhooks",
    commands: REGISTERING,
    default: "beskar7-claim-coordinator",
    help: "The Service that is registered.",
  }),
  webhookTimeoutMs: duration({
    flag: "webhook-timeout",
    group: "Webhooks",
    commands: REGISTERING,
    default: "10s",
    // The range of timeoutSeconds in a webhook configuration.
    minMs: 1_000,
    maxMs: 30_000,
    wholeSeconds: true,
    help: "How long the API server waits for a review. The service answers within half of it.",
  }),
  failurePolicy: choice<"Fail" | "Ignore">({
    flag: "failure-policy",
    group: "Webhooks",
    commands: ["manager", "install", "doctor"],
    default: "Fail",
    choices: { Fail: "Fail", Ignore: "Ignore" },
    help: "What the API server does with a claim while no replica answers. Releases never wait.",
  }),
  maxInflightReviews: integer({
    flag: "max-inflight-reviews",
    group: "Webhooks",
    commands: RUNNING,
    default: "256",
    min: 1,
    max: 10_000,
    help: "Reviews under way at once; what comes above is answered at once with a retriable reason.",
  }),

  webhookCertDir: text({
    flag: "webhook-cert-dir",
    group: "Certificates",
    commands: ["manager", "doctor"],
    default: "",
    placeholder: "directory",
    mayBeEmpty: true,
    help: "Directory with tls.crt and tls.key, watched and reloaded. Default: the service makes and rotates its own.",
  }),
  webhookClientCaFile: text({
    flag: "webhook-client-ca-file",
    group: "Certificates",
    commands: ["manager"],
    default: "",
    placeholder: "file",
    mayBeEmpty: true,
    help: "CA of the API server's client certificate; when given, nobody else may post reviews.",
  }),
  certSecretName: objectName({
    flag: "cert-secret-name",
    group: "Certificates",
    commands: REGISTERING,
    default: "beskar7-claim-coordinator-certs",
    help: "The Secret that holds the service's own CA, serving certificate and receipt keys.",
  }),
  caOverlapWaitMs: duration({
    flag: "ca-overlap-wait",
    group: "Certificates",
    commands: ["manager"],
    default: "60s",
    minMs: 0,
    help: "How long a new CA stands in the webhook configurations before a certificate of it is served.",
  }),

  metricsBindAddress: bindAddress({
    flag: "metrics-bind-address",
    group: "Metrics, health and queue API",
    commands: RUNNING,
    default: ":8080",
    mayBeOff: true,
    help: "Where /metrics, the queue API and the status page are served.",
  }),
  metricsSecure: bool({
    flag: "metrics-secure",
    group: "Metrics, health and queue API",
    commands: RUNNING,
    default: "true",
    help: "HTTPS and a bearer token for all of them; false opens them over plain HTTP.",
  }),
  healthProbeBindAddress: bindAddress({
    flag: "health-probe-bind-address",
    group: "Metrics, health and queue API",
    commands: RUNNING,
    default: ":8081",
    mayBeOff: true,
    help: "Where /healthz, /livez and /readyz are served, over plain HTTP without a token.",
  }),
  oidcIssuer: httpsUrl({
    flag: "oidc-issuer",
    group: "Metrics, health and queue API",
    commands: ["manager"],
    default: "",
    help: "Check bearer tokens offline against this issuer instead of asking the API server. With --oidc-jwks.",
  }),
  oidcJwks: text({
    flag: "oidc-jwks",
    group: "Metrics, health and queue API",
    commands: ["manager"],
    default: "",
    placeholder: "file or url",
    mayBeEmpty: true,
    help: "The issuer's key set: a file, or an https:// URL. With --oidc-issuer.",
  }),

  kubeconfig: text({
    flag: "kubeconfig",
    group: "Cluster",
    commands: CLUSTER,
    default: "",
    placeholder: "file",
    mayBeEmpty: true,
    help: "Default: KUBECONFIG, then the pod's service account, then ~/.kube/config.",
  }),
  namespace: namespaceName({
    flag: "namespace",
    short: "n",
    group: "Cluster",
    commands: ["install", "uninstall", "queue", "explain", "doctor", "verify"],
    default: "",
    help: "For queue, explain and verify: the hosts' namespace (default: all of them). For install, uninstall and doctor: where the service runs (default: beskar7-system).",
  }),
  dryRun: bool({
    flag: "dry-run",
    group: "Cluster",
    commands: ["install", "uninstall"],
    default: "false",
    help: "Print what would be applied or removed, and do nothing.",
  }),

  once: bool({
    flag: "once",
    group: "Demo",
    commands: ["demo"],
    default: "false",
    help: "End by itself with a report; the exit code says whether every rule was kept.",
  }),
  seed: integer({
    flag: "seed",
    group: "Demo",
    commands: ["demo"],
    default: "0",
    min: 0,
    max: 4_294_967_295,
    help: "Seed of the workload; 0 takes a new one each time.",
  }),
  replicas: integer({
    flag: "replicas",
    group: "Demo",
    commands: ["demo"],
    default: "3",
    min: 1,
    max: 9,
    help: "Replicas of this service.",
  }),
  durationMs: duration({
    flag: "duration",
    group: "Demo",
    commands: ["demo"],
    default: "20s",
    minMs: 1_000,
    maxMs: 86_400_000,
    help: "How long the workload runs with --once.",
  }),

  output: choice<"text" | "wide" | "json" | "yaml">({
    flag: "output",
    short: "o",
    group: "Output",
    commands: ["queue", "explain", "doctor", "verify", "version"],
    default: "text",
    choices: { text: "text", wide: "wide", json: "json", yaml: "yaml" },
    help: "Form of what is printed.",
  }),
  logLevel: choice<"debug" | "info" | "warn" | "error">({
    flag: "zap-log-level",
    group: "Output",
    commands: [...CLUSTER, "demo"],
    default: "info",
    choices: { debug: "debug", info: "info", warn: "warn", error: "error" },
    help: "The least severe log lines that are written.",
  }),
} as const satisfies Record<string, Spec<unknown>>;

type ValueOf<S> = S extends Spec<infer V> ? V : never;

/** The values of all flags, with their defaults where a command does not take them. Units are in the names. */
export type FlagValues = { readonly [Field in keyof typeof FLAGS]: ValueOf<(typeof FLAGS)[Field]> };

export const FLAG_FIELDS = Object.keys(FLAGS) as (keyof FlagValues)[];

export const flagSpec = (field: keyof FlagValues): Spec<unknown> => FLAGS[field];
