import { createHash } from "node:crypto";
import type { Binding, Consumer, LabelExpression, Requirements } from "../claims/claim.ts";
import type { KubeObject, OwnerReference } from "../kube/api.ts";
import { deepFreeze } from "../kube/deep-freeze.ts";
import {
  BARE_METAL_HOSTS,
  BESKAR7_MACHINES,
  HOST_CLAIMS,
  METAL3_MACHINES,
  PHYSICAL_HOSTS,
} from "../kube/types.ts";
import { integer, record, records, stringMap, strings, text, timeMs } from "./tolerant.ts";

/**
 * ClaimRequest (claims.beskar7.io/v1alpha1): a consumer's place in the durable queue and its binding, between the
 * stored object and the words of the core. The schema is in crd.ts.
 */

export const CLAIM_REQUEST_API_VERSION = "claims.beskar7.io/v1alpha1";

/** Held while a binding may be unresolved, so that deleting a request can't forget a write in flight. */
export const FINALIZER = "claims.beskar7.io/binding";

export const HOST_KINDS = [PHYSICAL_HOSTS.kind, BARE_METAL_HOSTS.kind] as const;
export const PHASES = ["Pending", "Binding", "Bound", "Released"] as const;
export type ClaimRequestPhase = (typeof PHASES)[number];

/** The machine type whose consumerRef may come without apiVersion and kind, by the kind of host it claims. */
const MACHINES = new Map([
  [PHYSICAL_HOSTS.kind, BESKAR7_MACHINES],
  [BARE_METAL_HOSTS.kind, METAL3_MACHINES],
]);

/** A ClaimRequest as the service reads it. Plain frozen data. */
export interface ClaimRequest {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** Whom the host is for; the request itself where spec.consumerRef is empty. */
  readonly consumer: Consumer;
  /** spec.consumerRef as it was written, for the host's own field; null where it is empty. */
  readonly consumerRef: Readonly<Record<string, unknown>> | null;
  /** Nobody else is named: the request is the consumer, and deleting it releases the host. */
  readonly explicit: boolean;
  /** "PhysicalHost" or "BareMetalHost". */
  readonly hostKind: string;
  /** Where its hosts are: its own namespace, unless its consumer may claim across namespaces and has tried to. */
  readonly hostNamespace: string;
  readonly requirements: Requirements;
  /** Points that a user added; any integer, default 0. */
  readonly priority: number;
  readonly phase: ClaimRequestPhase;
  readonly binding: Binding | null;
  /** The host it has, or is getting; "" when none. */
  readonly hostName: string;
  readonly message: string;
  readonly deleting: boolean;
  readonly hasFinalizer: boolean;
  /** Milliseconds since the epoch; 0 for an object that was never stored. */
  readonly createdAtMs: number;
  /** What its status says of malformed annotations of its machine; "" when it says nothing, or that all is well. */
  readonly malformed: string;
  /** formatTerm of the holder that holds it back because its bindings keep failing; "" when none does. */
  readonly heldBackTerm: string;
  /** Made because the machine says itself that it waits: when the machine no longer does, neither does this. */
  readonly byMachine: boolean;
  /** The last claim that a holder sent for this consumer, where that is recorded (foreign holders). */
  readonly lastAttempt: { readonly requester: string; readonly atMs: number } | null;
}

/**
 * Reads any stored object: what is missing or of the wrong type counts as not said, since an object may be older or
 * newer than the schema. Deeply frozen.
 */
export function readClaimRequest(object: KubeObject): ClaimRequest {
  const { metadata } = object;
  const spec = record(object.spec);
  const status = record(object.status);
  const hostKind = text(spec.hostKind) || PHYSICAL_HOSTS.kind;
  const namespace = metadata.namespace ?? "";
  const consumerRef = text(record(spec.consumerRef).name) === "" ? null : record(spec.consumerRef);
  return deepFreeze({
    namespace,
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    generation: metadata.generation ?? 0,
    consumer:
      consumerRef === null
        ? {
            apiVersion: CLAIM_REQUEST_API_VERSION,
            kind: "ClaimRequest",
            namespace,
            name: metadata.name,
            uid: metadata.uid ?? "",
          }
        : readConsumer(consumerRef, hostKind, namespace, metadata.ownerReferences ?? []),
    consumerRef: consumerRef === null ? null : structuredClone(consumerRef),
    explicit: consumerRef === null,
    hostKind,
    hostNamespace: text(status.hostNamespace) || namespace,
    requirements: readRequirements(record(spec.requirements)),
    priority: integer(spec.priority) ?? 0,
    phase: PHASES.find((phase) => phase === status.phase) ?? "Pending",
    binding: readBinding(record(status.binding)),
    hostName: text(status.hostName),
    message: text(status.message),
    deleting: metadata.deletionTimestamp !== undefined,
    hasFinalizer: metadata.finalizers?.includes(FINALIZER) ?? false,
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    malformed: readMalformed(records(status.conditions)),
    heldBackTerm: text(status.heldBackTerm),
    byMachine: metadata.annotations?.[DEMAND_ANNOTATION] === BY_MACHINE,
    lastAttempt: readAttempt(record(status.lastAttempt)),
  });
}

/** A consumerRef in the words of the core: an empty kind becomes the machine kind, an empty namespace the host's. */
function readConsumer(
  ref: Record<string, unknown>,
  hostKind: string,
  namespace: string,
  owners: readonly OwnerReference[],
): Consumer {
  const kind = text(ref.kind) || (MACHINES.get(hostKind)?.kind ?? "");
  const name = text(ref.name);
  // Typed clients leave the uid out; the owner tells a machine from a later one of the same name.
  const owner = owners.find((candidate) => candidate.kind === kind && candidate.name === name);
  return {
    apiVersion: text(ref.apiVersion),
    kind,
    namespace: text(ref.namespace) || namespace,
    name,
    uid: text(ref.uid) || (owner?.uid ?? ""),
  };
}

function readRequirements(spec: Record<string, unknown>): Requirements {
  const hardware = record(spec.hardware);
  return {
    requiredTags: sortedUnique(strings(spec.requiredTags)),
    preferredTags: sortedUnique(strings(spec.preferredTags)),
    requiredLabels: stringMap(spec.requiredLabels),
    preferredLabels: stringMap(spec.preferredLabels),
    expressions: records(spec.matchExpressions).flatMap(readExpression),
    minCPUCores: Math.max(0, integer(hardware.minCPUCores) ?? 0),
    minMemoryGB: Math.max(0, integer(hardware.minMemoryGB) ?? 0),
    minDiskGB: Math.max(0, integer(hardware.minDiskGB) ?? 0),
    cluster: "",
  };
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

function readExpression(raw: Record<string, unknown>): LabelExpression[] {
  const operator = OPERATORS.find((known) => known === raw.operator);
  const key = text(raw.key);
  return operator === undefined || key === "" ? [] : [{ key, operator, values: strings(raw.values) }];
}

function readBinding(raw: Record<string, unknown>): Binding | null {
  const hostName = text(raw.hostName);
  if (hostName === "") return null;
  return {
    hostName,
    hostUID: text(raw.hostUID),
    hostResourceVersion: text(raw.hostResourceVersion),
    term: text(raw.term),
  };
}

/** Whether the machine's annotations could be read; its message says which could not. */
export const REQUIREMENTS_READABLE = "RequirementsReadable";

function readMalformed(conditions: readonly Record<string, unknown>[]): string {
  const condition = conditions.find(
    ({ type, status }) => type === REQUIREMENTS_READABLE && status === "False",
  );
  return text(condition?.message);
}

function readAttempt(raw: Record<string, unknown>): ClaimRequest["lastAttempt"] {
  const atMs = timeMs(raw.time);
  return atMs === undefined ? null : { requester: text(raw.requester), atMs };
}

/** Where the demand comes from, if from nothing that has to be kept: the machine's own condition. */
export const DEMAND_ANNOTATION = "claims.beskar7.io/demand";
const BY_MACHINE = "machine";

export interface NewClaimRequest {
  /** The consumer that is to wait; not a ClaimRequest. */
  consumer: Consumer;
  /** Its reference as the client wrote it: v0.3.4 of Beskar7 recognises only what it wrote itself. */
  consumerRef: Readonly<Record<string, unknown>>;
  hostKind: string;
  /** uid of the consumer's object where the reference leaves it out; default: the consumer's. */
  ownerUID?: string;
  /** The machine says itself that it waits; default false: it has tried to claim a host. */
  byMachine?: boolean;
  /** Default 0: the machine's own annotation counts where there is a machine. */
  priority?: number;
}

/**
 * The object to create for a consumer that waits. It carries the finalizer from the start, so that taking the
 * binding is one write of the status. It lives beside its consumer, wherever the hosts are, so that there is one only,
 * and is owned by it where uid and apiVersion are known.
 */
export function newClaimRequest(options: NewClaimRequest): KubeObject {
  const { consumer, hostKind, priority } = options;
  const owner = ownerOf(options);
  return {
    apiVersion: CLAIM_REQUEST_API_VERSION,
    kind: "ClaimRequest",
    metadata: {
      namespace: consumer.namespace,
      name: claimRequestName(consumer),
      finalizers: [FINALIZER],
      ...(options.byMachine === true && { annotations: { [DEMAND_ANNOTATION]: BY_MACHINE } }),
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: {
      hostKind,
      consumerRef: structuredClone(options.consumerRef),
      ...(priority === undefined ? {} : { priority }),
    },
  };
}

function ownerOf({ consumer, hostKind, ownerUID }: NewClaimRequest): OwnerReference | undefined {
  const machine = MACHINES.get(hostKind);
  const completed = machine?.kind === consumer.kind ? `${machine.group}/${machine.version}` : "";
  const apiVersion = consumer.apiVersion || completed;
  const uid = ownerUID || consumer.uid;
  if (uid === "" || apiVersion === "") return undefined;
  return { apiVersion, kind: consumer.kind, name: consumer.name, uid };
}

/** The longest name of a Kubernetes object (RFC 1123 subdomain). */
const NAME_LIMIT = 253;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** How the name of a request for a consumer of this kind begins. */
export const namePrefix = (kind: string): string => `${kind.toLowerCase()}-`;

/**
 * Kinds of consumers like whose requests nobody else's may be called; `hostKind`: of the hosts for which a reference
 * without a kind means this one.
 */
export const RESERVED_KINDS: readonly { readonly kind: string; readonly hostKind: string }[] = [
  ...[...MACHINES].map(([hostKind, { kind }]) => ({ kind, hostKind })),
  { kind: HOST_CLAIMS.kind, hostKind: "" },
];

/**
 * One request a consumer: one that names a consumer under another name, or from elsewhere, is no place of its; and one
 * that stands for itself where a machine's must stand is none either.
 */
export function isNamedAfterConsumer({ explicit, consumer, namespace, name }: ClaimRequest): boolean {
  if (explicit) return !RESERVED_KINDS.some(({ kind }) => name.startsWith(namePrefix(kind)));
  return namespace === consumer.namespace && name === claimRequestName(consumer);
}

/** 64 bits: names that share a prefix of 236 characters are few, and a meeting is noticed by its consumerRef. */
const SUFFIX_HEX_DIGITS = 16;

/**
 * The name of a consumer's request, in the consumer's namespace: `<kind>-<name>`, kind in lower case. What is too
 * long, or holds characters that no name may, is made to fit and told apart by a hash of the whole.
 */
export function claimRequestName(consumer: Pick<Consumer, "kind" | "name">): string {
  const whole = `${namePrefix(consumer.kind)}${consumer.name}`;
  if (whole.length <= NAME_LIMIT && SUBDOMAIN.test(whole) && !/\.\.|\.-|-\./.test(whole)) return whole;
  const suffix = createHash("sha256").update(whole).digest("hex").slice(0, SUFFIX_HEX_DIGITS);
  const fitting = whole
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, NAME_LIMIT - SUFFIX_HEX_DIGITS - 1)
    .replace(/-+$/, "");
  return fitting === "" ? suffix : `${fitting}-${suffix}`;
}

const sortedUnique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
