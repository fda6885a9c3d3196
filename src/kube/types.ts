import type { ResourceType } from "./api.ts";

/** The resource types this service reads or writes. */

export const LEASES: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
};
export const CLAIM_REQUESTS: ResourceType = {
  group: "claims.beskar7.io",
  version: "v1alpha1",
  plural: "claimrequests",
  kind: "ClaimRequest",
  namespaced: true,
};
export const PHYSICAL_HOSTS: ResourceType = {
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1beta1",
  plural: "physicalhosts",
  kind: "PhysicalHost",
  namespaced: true,
};
export const BESKAR7_MACHINES: ResourceType = {
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1beta1",
  plural: "beskar7machines",
  kind: "Beskar7Machine",
  namespaced: true,
};
export const BARE_METAL_HOSTS: ResourceType = {
  group: "metal3.io",
  version: "v1alpha1",
  plural: "baremetalhosts",
  kind: "BareMetalHost",
  namespaced: true,
};
export const METAL3_MACHINES: ResourceType = {
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1beta1",
  plural: "metal3machines",
  kind: "Metal3Machine",
  namespaced: true,
};
export const HOST_CLAIMS: ResourceType = {
  group: "metal3.io",
  version: "v1alpha1",
  plural: "hostclaims",
  kind: "HostClaim",
  namespaced: true,
};
export const SECRETS: ResourceType = {
  group: "",
  version: "v1",
  plural: "secrets",
  kind: "Secret",
  namespaced: true,
};
export const NAMESPACES: ResourceType = {
  group: "",
  version: "v1",
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
};
export const EVENTS: ResourceType = {
  group: "",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
};
export const CUSTOM_RESOURCE_DEFINITIONS: ResourceType = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};
export const MUTATING_WEBHOOK_CONFIGURATIONS: ResourceType = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "mutatingwebhookconfigurations",
  kind: "MutatingWebhookConfiguration",
  namespaced: false,
};
export const VALIDATING_WEBHOOK_CONFIGURATIONS: ResourceType = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingwebhookconfigurations",
  kind: "ValidatingWebhookConfiguration",
  namespaced: false,
};
export const TOKEN_REVIEWS: ResourceType = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "tokenreviews",
  kind: "TokenReview",
  namespaced: false,
};
export const SUBJECT_ACCESS_REVIEWS: ResourceType = {
  group: "authorization.k8s.io",
  version: "v1",
  plural: "subjectaccessreviews",
  kind: "SubjectAccessReview",
  namespaced: false,
};
export const SELF_SUBJECT_REVIEWS: ResourceType = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  kind: "SelfSubjectReview",
  namespaced: false,
};
