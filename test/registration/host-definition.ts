import type { ResourceType } from "../../src/kube/api.ts";

/** A CustomResourceDefinition of a host kind that takes any field, with a status of its own. */
export function hostDefinition(type: ResourceType) {
  const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${type.plural}.${type.group}`,
      annotations: { "api-approved.kubernetes.io": "unapproved, for tests" },
    },
    spec: {
      group: type.group,
      scope: "Namespaced",
      names: { plural: type.plural, kind: type.kind },
      versions: [
        {
          name: type.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec: anything, status: anything } } },
          subresources: { status: {} },
        },
      ],
    },
  };
}
