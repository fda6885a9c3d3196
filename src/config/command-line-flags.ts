import { CLUSTER } from "./commands.ts";
import { bool, choice, duration, integer, namespaceName, type Spec, text } from "./spec.ts";

/** What a person at the command line says. */
export const COMMAND_LINE_FLAGS = {
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
  jwks: text({
    flag: "jwks",
    group: "Cluster",
    commands: ["verify"],
    default: "",
    placeholder: "file or url",
    mayBeEmpty: true,
    help: "The public keys to check with, as the service has them at /.well-known/jwks.json: a file, or an https:// URL. A RECEIPT is then checked without a cluster. Default: the service's Secret.",
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
