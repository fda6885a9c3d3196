import { RUNNING } from "./commands.ts";
import {
  bool,
  choice,
  duration,
  integer,
  namespaceName,
  objectName,
  type Spec,
  serviceAccounts,
  words,
} from "./spec.ts";

/**
 * Who decides, and by which rules. The names of the first four and their defaults are those of the leader election
 * demo of Beskar7.
 */
export const COORDINATION_FLAGS = {
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

  stateless: bool({
    flag: "stateless",
    group: "Claims",
    commands: ["manager"],
    default: "false",
    help: "Watch nothing: each review reads what it needs when it comes. For a Deployment that scales to zero. Such a replica never leads, and shows no queue.",
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
} as const satisfies Record<string, Spec<unknown>>;
