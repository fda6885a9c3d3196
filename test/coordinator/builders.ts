import type { Binding, Consumer, Host } from "../../src/claims/claim.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { World } from "../../src/coordinator/world.ts";
import type { Machine } from "../../src/hosts/profile.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { ClaimRequest } from "../../src/requests/claim-request.ts";

/** Core objects with everything said otherwise where a test cares. */

export function newWorld(): World {
  return new World({
    hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
    mayCrossNamespaces: (consumer) => profileForKind("BareMetalHost")!.mayCrossNamespaces(consumer),
  });
}

export function consumer(name: string, changes: Partial<Consumer> = {}): Consumer {
  return { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name, uid: "", ...changes };
}

export function host(name: string, changes: Partial<Host> = {}): Host {
  return {
    kind: "PhysicalHost",
    namespace: "default",
    name,
    uid: `uid-${name}`,
    resourceVersion: "10",
    labels: {},
    consumer: null,
    unavailable: "",
    deleting: false,
    reservedFor: null,
    hardware: null,
    ...changes,
  };
}

export function machine(name: string, changes: Partial<Machine> = {}): Machine {
  return {
    kind: "Beskar7Machine",
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
    namespace: "default",
    name,
    uid: `uid-${name}`,
    createdAtMs: 1_000,
    requirements: NO_REQUIREMENTS,
    explicitPriority: 0,
    bonusPoints: 50,
    deleting: false,
    paused: false,
    waits: true,
    problems: [],
    cluster: "",
    hostSpec: {},
    ...changes,
  };
}

export function binding(hostName: string, changes: Partial<Binding> = {}): Binding {
  return { hostName, hostUID: `uid-${hostName}`, hostResourceVersion: "10", term: "", ...changes };
}

export function request(machineName: string, changes: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    namespace: "default",
    name: `beskar7machine-${machineName}`,
    uid: `uid-request-${machineName}`,
    resourceVersion: "5",
    generation: 1,
    consumer: consumer(machineName),
    consumerRef: { kind: "Beskar7Machine", namespace: "default", name: machineName },
    explicit: false,
    hostKind: "PhysicalHost",
    hostNamespace: "default",
    requirements: NO_REQUIREMENTS,
    priority: 0,
    phase: "Pending",
    binding: null,
    hostName: "",
    message: "",
    malformed: "",
    byMachine: false,
    heldBackTerm: "",
    deleting: false,
    hasFinalizer: true,
    createdAtMs: 2_000,
    lastAttempt: null,
    ...changes,
  };
}
