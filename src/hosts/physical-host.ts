import type { Host } from "../claims/claim.ts";
import type { KubeObject } from "../kube/api.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../kube/types.ts";
import { CAPI_PAUSED_ANNOTATION } from "./annotations.ts";
import { readBeskar7Machine } from "./beskar7-machine.ts";
import { readReference } from "./consumer-ref.ts";
import { annotationsOf, labelsOf, specOf, statusOf, textOf } from "./fields.ts";
import { hardwareOfReport } from "./hardware.ts";
import { consumerRefPatch, removeStamps } from "./patches.ts";
import type { HostProfile } from "./profile.ts";
import { classify, type TransitionRules } from "./transition.ts";

const MACHINE_KIND = BESKAR7_MACHINES.kind;

// The one state in which every release of Beskar7 claims a host.
const AVAILABLE = "Available";

const RULES: TransitionRules = {
  machineKind: MACHINE_KIND,
  isReservation: () => false,
  mayCrossNamespaces: () => false,
};

/**
 * Beskar7's PhysicalHost. A claimed one: spec.consumerRef with apiVersion, kind, namespace, name and uid of the
 * machine; in v0.3.4 also spec.bootIsoSource, the machine's image URL, and the annotations claimed-at and
 * claimed-by. State, power and boot are then set by Beskar7's own controllers, which find the host by the reference.
 */
export const physicalHostProfile: HostProfile = {
  hostType: PHYSICAL_HOSTS,
  machineType: BESKAR7_MACHINES,
  machineKind: MACHINE_KIND,
  mayCrossNamespaces: RULES.mayCrossNamespaces,
  readMachine: readBeskar7Machine,
  transition: (oldObject, newObject) => classify(RULES, oldObject, newObject),

  readConsumerRef: (object) =>
    readReference(specOf(object).consumerRef, MACHINE_KIND, object.metadata.namespace ?? ""),

  readHost(object): Host {
    const { metadata } = object;
    return {
      kind: PHYSICAL_HOSTS.kind,
      namespace: metadata.namespace ?? "",
      name: metadata.name,
      uid: metadata.uid ?? "",
      resourceVersion: metadata.resourceVersion ?? "",
      labels: labelsOf(object),
      consumer: physicalHostProfile.readConsumerRef(object),
      unavailable: whyUnavailable(object),
      deleting: metadata.deletionTimestamp !== undefined,
      reservedFor: null,
      hardware: hardwareOfReport(statusOf(object).inspectionReport),
    };
  },

  machineReference: ({ apiVersion, kind, namespace, name, uid }) => ({
    apiVersion,
    kind,
    namespace,
    name,
    uid,
  }),

  claimPatch(host, write) {
    const consumerRef = consumerRefPatch(write, BESKAR7_MACHINES, true);
    return {
      metadata: { resourceVersion: host.resourceVersion, annotations: write.annotations },
      spec: { consumerRef, ...write.machine?.hostSpec },
    };
  },

  releasePatch: (host) => ({
    metadata: { resourceVersion: host.resourceVersion, annotations: removeStamps() },
    spec: { consumerRef: null, bootIsoSource: null },
  }),
};

function whyUnavailable(object: KubeObject): string {
  const state = textOf(statusOf(object).state);
  if (Object.hasOwn(annotationsOf(object), CAPI_PAUSED_ANNOTATION)) return "it is paused";
  return state === AVAILABLE ? "" : `state is ${state === "" ? "not known yet" : state}`;
}
