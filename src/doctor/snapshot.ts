import type { RegistrationTarget } from "../../webhooks/registration.ts";
import type { Names } from "../cli/install-names.ts";
import type { Config, Problem } from "../config.ts";
import type { World } from "../coordinator/world.ts";
import type { KubeObject } from "../kube/api.ts";
import type { LeaseRecord } from "../leader/lease.ts";

/**
 * Everything that the checks look at, read once. Plain data: times are milliseconds since the epoch, of the machine
 * that runs the command where nothing else is said.
 */
export interface Snapshot {
  /** When reading began. */
  readonly nowMs: number;
  readonly place: Place;
  /** How far the API server's clock is ahead of this machine's; null where it does not tell. */
  readonly serverAhead: Span | null;
  readonly replicas: Reading<readonly ReplicaFacts[]>;
  readonly lease: Reading<LeaseFacts | null>;
  readonly rights: Reading<RightsFacts>;
  readonly registrations: Reading<readonly RegistrationFacts[]>;
  readonly certificate: Reading<CertificateFacts>;
  readonly probe: Probe;
  readonly cluster: Reading<ClusterFacts>;
  readonly events: Reading<readonly ClaimEvent[]>;
  /** /metrics of the replicas whose URLs were given, in their order. */
  readonly metrics: readonly ReplicaMetrics[];
}

export interface ReplicaMetrics {
  readonly url: string;
  /** The page in Prometheus's text format. */
  readonly page: Reading<string>;
}

/** What was read, or in words why it could not be. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** A number that is known to lie between two bounds. */
export interface Span {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Where to look, and what ought to be there. */
export interface Place extends Names {
  readonly leaseName: string;
  /** Of the Service that is registered. */
  readonly serviceName: string;
  /** Where the API server sends reviews, as the flags say. */
  readonly target: RegistrationTarget;
  /** Both webhook configurations as they should be. */
  readonly wanted: readonly KubeObject[];
}

export interface ReplicaFacts {
  readonly pod: string;
  readonly ready: boolean;
  /** The kubelet's words for why not; "" when it is ready. */
  readonly notReadyWhy: string;
  readonly serviceAccount: string;
  /** How it would be seen if its token were bound to no pod: POD_NAME, else the machine's name. */
  readonly ownName: string;
  /** Whether POD_NAME is written out instead of taken from metadata.name. */
  readonly nameWrittenOut: boolean;
  readonly tokenBound: boolean;
  /** Its flags, with defaults; null where they can't be understood. */
  readonly config: Config | null;
  readonly flagProblems: readonly Problem[];
  /** The Secret that --webhook-cert-dir is mounted from; null where there is none. */
  readonly certificateSecret: string | null;
}

export interface LeaseFacts {
  readonly record: LeaseRecord;
  readonly createdAtMs: number;
  /** How long it was watched. Ends with the first renewal. */
  readonly watchedMs: number;
  /** The record at the end of the watch; null where it was deleted meanwhile. */
  readonly after: LeaseRecord | null;
  readonly renewed: boolean;
  /** How far the holder's clock is ahead of the API server's; null where no renewal was seen. */
  readonly holderAhead: Span | null;
  /** "namespace/name" of pods with the holder's name, where its pod may live. */
  readonly holderPods: Reading<readonly string[]>;
}

/** One thing that the service must be allowed to do. "" where it is not limited. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly namespace: string;
}

export interface RightsFacts {
  /** Whose rights these are, as a username. */
  readonly user: string;
  /** Whether that is the service account itself. */
  readonly isService: boolean;
  readonly asked: number;
  readonly missing: readonly Right[];
}

export interface RegistrationFacts {
  readonly wanted: KubeObject;
  /** null: there is none. */
  readonly actual: KubeObject | null;
}

export interface CertificateFacts {
  /** Where it was read: "Secret ns/name", or a folder. */
  readonly source: string;
  /** The chain that is served; "" where there is none. */
  readonly certPem: string;
  /** Why what is stored can't be used; "" where it can, or nothing is stored. */
  readonly problem: string;
}

/**
 * What a claim in a dry run met. reviewed: it was let through or refused by us, for `reason`. unreachable: the API
 * server says that it could not ask. passed: it was stored (but for the dry run) without a review. unknown: nobody
 * could be asked, and why.
 */
export interface Probe {
  readonly result: "reviewed" | "unreachable" | "passed" | "unknown";
  /** "namespace/name"; "" where there is no host. */
  readonly host: string;
  readonly detail: string;
}

/** Objects as they are stored, and what follows from them. */
export interface ClusterFacts {
  readonly hosts: readonly KubeObject[];
  readonly machines: readonly KubeObject[];
  readonly requests: readonly KubeObject[];
  /** Kinds that the API server serves. */
  readonly served: readonly string[];
  /** What a replica would conclude from these objects. */
  readonly world: World;
  /** uids of hosts whose consumer does not exist, in the first look and in one after the Lease was watched. */
  readonly orphans: readonly string[];
  /** uids of hosts that a claim waits for, free in the first look and in one after the Lease was watched. */
  readonly stillFree: readonly string[];
}

/** An Event of a refused claim. */
export interface ClaimEvent {
  /** "namespace/name" of the consumer. */
  readonly consumer: string;
  /** As in REJECT_REASONS. */
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
  readonly times: number;
}
