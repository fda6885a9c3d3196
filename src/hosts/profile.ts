import type { Consumer, Host, Requirements } from "../claims/claim.ts";
import type { Transition } from "../claims/decide.ts";
import type { KubeObject, ResourceType } from "../kube/api.ts";

/** A machine as the core sees it: who waits, since when, and for what. */
export interface Machine {
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** creationTimestamp, milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly requirements: Requirements;
  /** claims.beskar7.io/priority; 0 where it is absent or malformed. */
  readonly explicitPriority: number;
  /** Points on top of 100 and age. */
  readonly bonusPoints: number;
  readonly deleting: boolean;
  /** Its controller leaves it alone, so it would not pick up a host. */
  readonly paused: boolean;
  /** Its own condition says that it waits for a host. */
  readonly waits: boolean;
  /** What is malformed in its annotations, in words; the rest of them counts. */
  readonly problems: readonly string[];
  /** Name of its Cluster API cluster; "" when unknown. */
  readonly cluster: string;
  /** Fields of the host's spec that its controller writes together with the consumerRef. */
  readonly hostSpec: Readonly<Record<string, string>>;
}

/** One write of a host, as far as its consumer is concerned. */
export interface HostTransition {
  readonly transition: Transition;
  /** Who has the host once the write is stored; null after a release and while it is only reserved. */
  readonly consumer: Consumer | null;
  /** Whether consumers of this kind may claim hosts of other namespaces. */
  readonly mayCrossNamespaces: boolean;
}

/** A claim as the processor writes it. */
export interface ClaimWrite {
  readonly consumer: Consumer;
  /** Where the consumer is a machine that exists. */
  readonly machine: Machine | null;
  /** The consumerRef of an intercepted attempt, verbatim: controllers recognise their own form only. */
  readonly attemptedRef: Readonly<Record<string, unknown>> | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** JSON merge patch (RFC 7386) of a host. */
export type HostPatch = Record<string, unknown>;

/**
 * One kind of host with the machines that use it: raw objects to the words of the core and back. Pure. Reads
 * whatever an API server may store, however incomplete, without throwing.
 */
export interface HostProfile {
  readonly hostType: ResourceType;
  readonly machineType: ResourceType;
  /** The consumer's kind where a consumerRef leaves it out. */
  readonly machineKind: string;
  /** Whether this consumer may hold hosts of other namespaces than its own. */
  mayCrossNamespaces(consumer: Consumer): boolean;
  readHost(object: KubeObject): Host;
  /** Who holds the host; null when nobody does, and while it is only reserved for a cluster. */
  readConsumerRef(object: KubeObject): Consumer | null;
  transition(oldObject: KubeObject, newObject: KubeObject): HostTransition;
  readMachine(object: KubeObject): Machine;
  /** The consumerRef that the machine's own controller would write. */
  machineReference(machine: Machine): Readonly<Record<string, string>>;
  /**
   * What the machine's own controller would have written to claim this host, so that it finds the host as its own;
   * with the host's resourceVersion as precondition.
   */
  claimPatch(host: Host, write: ClaimWrite): HostPatch;
  /** Gives the host up as its controller would, with its resourceVersion as precondition, stamps removed. */
  releasePatch(host: Host): HostPatch;
}
