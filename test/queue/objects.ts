import type { KubeObject } from "../../src/kube/api.ts";
import {
  type BeskarMachineOptions,
  beskar7Machine,
  type PhysicalHostOptions,
  physicalHost,
  uidOf,
} from "../fixtures/objects.ts";

export const host = (name: string, options: PhysicalHostOptions = {}): KubeObject =>
  physicalHost({ ...options, name });

/** A machine that says that it waits; each has a uid of its own, apart from a host's of the same name. */
export const machine = (name: string, options: BeskarMachineOptions = {}): KubeObject =>
  beskar7Machine({
    waiting: true,
    uid: uidOf(`machine/${options.namespace ?? "default"}/${name}`),
    ...options,
    name,
  });

export const needing = (tags: string) => ({ annotations: { "beskar7.io/required-tags": tags } });

export const heldBy = (name: string) => ({
  consumerRef: { kind: "Beskar7Machine", name, namespace: "default" },
  state: "InUse",
});

/** A ClaimRequest as the service writes it for a machine, in the given state. */
export function request(
  machineName: string,
  options: { namespace?: string; status?: Record<string, unknown> } = {},
): KubeObject {
  const { namespace = "default", status = {} } = options;
  return {
    apiVersion: "claims.beskar7.io/v1alpha1",
    kind: "ClaimRequest",
    metadata: {
      namespace,
      name: `beskar7machine-${machineName}`,
      uid: uidOf(`request/${namespace}/${machineName}`),
      resourceVersion: "2",
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: {
      hostKind: "PhysicalHost",
      consumerRef: { kind: "Beskar7Machine", name: machineName, namespace },
    },
    status,
  };
}

/** status of a request that is being bound to the host. */
export const bindingTo = (hostName: string, namespace = "default") => ({
  phase: "Binding",
  hostName,
  binding: { hostName, hostUID: uidOf(`${namespace}/${hostName}`), hostResourceVersion: "1", term: "" },
});
