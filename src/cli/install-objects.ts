import {
  mutatingWebhookConfiguration,
  type RegistrationOptions,
  validatingWebhookConfiguration,
} from "../../webhooks/registration.ts";
import type { KubeObject } from "../kube/api.ts";
import { claimRequestDefinition } from "../requests/crd.ts";
import { LABELS, type Names, SERVICE_NAME } from "./install-names.ts";
import { rbacObjects } from "./install-rbac.ts";

export type Registration = Pick<RegistrationOptions, "target" | "failurePolicy" | "timeoutSeconds">;

/** Everything that `install` applies, in its order: what is needed comes before what needs it. */
export function installObjects(names: Names, registration: Registration): KubeObject[] {
  return [
    ...namespaces(names),
    claimRequestDefinition(LABELS),
    ...rbacObjects(names),
    ...flowControlObjects(names),
    ...registrationObjects(names, registration),
  ];
}

function namespaces({ namespace, leaseNamespace }: Names): KubeObject[] {
  return [...new Set([namespace, leaseNamespace])].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
}

/**
 * The service's calls queue for themselves: a storm of claims, each of which waits for such a call, can't starve
 * them. Evaluated before the API server's own "service-accounts" (9000), after its leader elections (100, 200).
 */
export function flowControlObjects({ namespace }: Pick<Names, "namespace">): KubeObject[] {
  const metadata = { name: SERVICE_NAME, labels: LABELS };
  const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
  return [
    {
      apiVersion,
      kind: "PriorityLevelConfiguration",
      metadata,
      spec: {
        type: "Limited",
        limited: {
          // As much as the API server grants leader elections and half of what it grants all workloads.
          nominalConcurrencyShares: 20,
          limitResponse: { type: "Queue", queuing: { queues: 16, handSize: 4, queueLengthLimit: 100 } },
        },
      },
    },
    {
      apiVersion,
      kind: "FlowSchema",
      metadata,
      spec: {
        priorityLevelConfiguration: { name: SERVICE_NAME },
        matchingPrecedence: 500,
        distinguisherMethod: { type: "ByNamespace" },
        rules: [
          {
            subjects: [{ kind: "ServiceAccount", serviceAccount: { name: SERVICE_NAME, namespace } }],
            resourceRules: [
              { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true },
            ],
          },
        ],
      },
    },
  ];
}

/** Without caBundle: the running service writes it, and an applied one would be taken back by the next apply. */
export function registrationObjects(names: Names, registration: Registration): KubeObject[] {
  const options = { ...registration, name: names.registration, caPem: "", labels: LABELS };
  return [mutatingWebhookConfiguration(options), validatingWebhookConfiguration(options)];
}
