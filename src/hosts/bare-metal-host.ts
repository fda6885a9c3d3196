import type { Consumer, Host } from "../claims/claim.ts";
import type { KubeObject } from "../kube/api.ts";
import { BARE_METAL_HOSTS, METAL3_MACHINES } from "../kube/types.ts";
import { CAPI_PAUSED_ANNOTATION, CLUSTER_NAME_LABEL } from "./annotations.ts";
import { groupOf, readReference } from "./consumer-ref.ts";
import { annotationsOf, fieldsOf, labelsOf, specOf, statusOf, textOf } from "./fields.ts";
import { hardwareOfMetal3 } from "./hardware.ts";
import { NODE_REUSE_LABEL, readMetal3Machine } from "./metal3-machine.ts";
import { consumerRefPatch, removeStamps } from "./patches.ts";
import type { HostProfile } from "./profile.ts";
import { classify, type TransitionRules } from "./transition.ts";

const MACHINE_KIND = METAL3_MACHINES.kind;

// States in which cluster-api-provider-metal3 chooses a host; "ready" is the older name of the same state.
const CHOOSABLE_STATES = ["available", "ready"];
// Annotations whose mere presence makes that controller pass a host over.
const PASSED_OVER: readonly [annotation: string, why: string][] = [
  ["baremetalhost.metal3.io/paused", "it is paused"],
  [CAPI_PAUSED_ANNOTATION, "it is paused"],
  ["baremetalhost.metal3.io/detached", "it is detached"],
  ["capm3.metal3.io/unhealthy", "it is marked unhealthy"],
  ["capi.metal3.io/unhealthy", "it is marked unhealthy"],
];

const RULES: TransitionRules = {
  machineKind: MACHINE_KIND,
  // Node reuse: the reference of a host that its machine gave up names the cluster that may have it again.
  isReservation: ({ kind }) => kind === "Cluster",
  // Metal3's own HostClaim lives in the user's namespace, the hosts in the operator's.
  mayCrossNamespaces: ({ kind, apiVersion }: Consumer) =>
    kind === "HostClaim" && ["", BARE_METAL_HOSTS.group].includes(groupOf(apiVersion)),
};

/**
 * Metal3's BareMetalHost. A claimed one: spec.consumerRef with apiVersion, kind, namespace and name of the machine
 * (no uid), the label cluster.x-k8s.io/cluster-name, and no node reuse label. Image, user data and spec.online are
 * not part of the claim: cluster-api-provider-metal3 looks for a host whose reference names the machine before it
 * chooses one, and then completes it and its own annotation metal3.io/BareMetalHost.
 */
export const bareMetalHostProfile: HostProfile = {
  hostType: BARE_METAL_HOSTS,
  machineType: METAL3_MACHINES,
  machineKind: MACHINE_KIND,
  mayCrossNamespaces: RULES.mayCrossNamespaces,
  readMachine: readMetal3Machine,
  transition: (oldObject, newObject) => classify(RULES, oldObject, newObject),

  readConsumerRef(object) {
    const consumer = readAnyReference(object);
    return consumer === null || RULES.isReservation(consumer) ? null : consumer;
  },

  readHost(object): Host {
    const { metadata } = object;
    const consumer = readAnyReference(object);
    const isReserved = consumer !== null && RULES.isReservation(consumer);
    return {
      kind: BARE_METAL_HOSTS.kind,
      namespace: metadata.namespace ?? "",
      name: metadata.name,
      uid: metadata.uid ?? "",
      resourceVersion: metadata.resourceVersion ?? "",
      labels: labelsOf(object),
      consumer: isReserved ? null : consumer,
      unavailable: whyUnavailable(object),
      deleting: metadata.deletionTimestamp !== undefined,
      reservedFor: isReserved ? { namespace: consumer.namespace, name: consumer.name } : null,
      hardware: hardwareOfMetal3(statusOf(object).hardware),
    };
  },

  machineReference: ({ apiVersion, kind, namespace, name }) => ({ apiVersion, kind, namespace, name }),

  claimPatch(host, write) {
    const labels: Record<string, string | null> = {};
    const cluster = write.machine?.cluster ?? "";
    if (cluster !== "") labels[CLUSTER_NAME_LABEL] = cluster;
    if (Object.hasOwn(host.labels, NODE_REUSE_LABEL)) labels[NODE_REUSE_LABEL] = null;
    return {
      metadata: { resourceVersion: host.resourceVersion, annotations: write.annotations, labels },
      spec: { consumerRef: consumerRefPatch(write, METAL3_MACHINES, false) },
    };
  },

  /**
   * The operator deprovisions a host without an image by itself, and says "available" when it is done. Power is left
   * as it is: the operator refuses spec.online false on hosts with disablePowerOff, and a refused release would
   * hold the host for good.
   */
  releasePatch: (host) => ({
    metadata: {
      resourceVersion: host.resourceVersion,
      annotations: removeStamps(),
      labels: { [CLUSTER_NAME_LABEL]: null },
    },
    spec: {
      consumerRef: null,
      image: null,
      customDeploy: null,
      userData: null,
      metaData: null,
      networkData: null,
    },
  }),
};

function readAnyReference(object: KubeObject): Consumer | null {
  return readReference(specOf(object).consumerRef, MACHINE_KIND, object.metadata.namespace ?? "");
}

function whyUnavailable(object: KubeObject): string {
  const annotations = annotationsOf(object);
  for (const [annotation, why] of PASSED_OVER) if (Object.hasOwn(annotations, annotation)) return why;
  const status = statusOf(object);
  if (textOf(status.errorMessage) !== "" || textOf(status.errorType) !== "") {
    return textOf(status.errorType) === ""
      ? "it reports an error"
      : `it reports a ${textOf(status.errorType)}`;
  }
  const state = textOf(fieldsOf(status.provisioning).state);
  if (CHOOSABLE_STATES.includes(state)) return "";
  return `provisioning state is ${state === "" ? "not known yet" : state}`;
}
