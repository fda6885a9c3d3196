/** What Beskar7's controllers read from their objects, and the patches they write. */
import { fieldsOf, listOf, specOf, statusOf, textOf } from "../hosts/fields.ts";
import type { KubeObject, Patch } from "../kube/api.ts";

/** Set by the machine controller when it first sees a machine; nothing is released without it. */
export const MACHINE_FINALIZER = "beskar7machine.infrastructure.cluster.x-k8s.io";

const ASSOCIATED = "PhysicalHostAssociated";

/** corev1.ObjectReference as Go decodes it: a field that is absent is "". */
export interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** null for a host that nobody claimed. */
export function consumerRefOf(host: KubeObject): Reference | null {
  const { consumerRef } = specOf(host);
  if (typeof consumerRef !== "object" || consumerRef === null) return null;
  const { apiVersion, kind, namespace, name, uid } = fieldsOf(consumerRef);
  return {
    apiVersion: textOf(apiVersion),
    kind: textOf(kind),
    namespace: textOf(namespace),
    name: textOf(name),
    uid: textOf(uid),
  };
}

export function stateOf(host: KubeObject): string {
  return textOf(statusOf(host).state);
}

/** What the controllers take for claimable. */
export function isFree(host: KubeObject): boolean {
  return stateOf(host) === "Available" && consumerRefOf(host) === null;
}

/** "namespace/name" of the machine that the host names; "" for none. */
export function machineKeyOf(host: KubeObject): string {
  const reference = consumerRefOf(host);
  return reference === null ? "" : `${reference.namespace}/${reference.name}`;
}

/** Compared by name alone, as Beskar7 does. */
export function isNamedBy(host: KubeObject, machine: KubeObject): boolean {
  const { namespace, name } = machine.metadata;
  return machineKeyOf(host) === `${namespace}/${name}`;
}

export interface Association {
  readonly status: "True" | "False";
  readonly reason?: string;
  readonly message?: string;
}

export const ASSOCIATED_WITH_HOST: Association = { status: "True" };
export const WAITING_FOR_HOST: Association = {
  status: "False",
  reason: "WaitingForPhysicalHost",
  message: "No available PhysicalHost found",
};

/** Sets the machine's condition; null where it says so already, as Cluster API's patch helper sends nothing then. */
export function associationPatch(
  machine: KubeObject,
  association: Association,
  wallMs: number,
): Patch | null {
  const conditions = listOf(statusOf(machine).conditions).map(fieldsOf);
  const known = conditions.find(({ type }) => type === ASSOCIATED);
  const { status, reason, message } = association;
  if (known?.status === status && known.reason === reason && known.message === message) return null;
  const lastTransitionTime =
    known?.status === status ? known.lastTransitionTime : new Date(wallMs).toISOString();
  const severity = status === "False" ? { severity: "Info" } : {};
  const condition = { type: ASSOCIATED, ...association, ...severity, lastTransitionTime };
  const others = conditions.filter(({ type }) => type !== ASSOCIATED);
  return { type: "merge", body: { status: { conditions: [...others, condition] } } };
}

/** A host's state, unless the host has changed since it was read. */
export function statePatch(host: KubeObject, state: string): Patch {
  const { resourceVersion } = host.metadata;
  return { type: "merge", body: { metadata: { resourceVersion }, status: { state, ready: true } } };
}

/** Claims the host as it was read: merge patch with optimistic lock. */
export function claimPatch(host: KubeObject, spec: Readonly<Record<string, unknown>>): Patch {
  return { type: "merge", body: { metadata: { resourceVersion: host.metadata.resourceVersion }, spec } };
}

export function releasePatch(host: KubeObject): Patch {
  return claimPatch(host, { consumerRef: null });
}

export function finalizersPatch(machine: KubeObject, finalizers: readonly string[]): Patch {
  const { resourceVersion } = machine.metadata;
  return { type: "merge", body: { metadata: { resourceVersion, finalizers } } };
}
