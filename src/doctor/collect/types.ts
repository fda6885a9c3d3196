import type { ResourceType } from "../../kube/api.ts";

/** Resource types that only this command reads. */

const core = (kind: string): ResourceType => ({
  group: "",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  kind,
  namespaced: true,
});
export const PODS = core("Pod");
export const SERVICES = core("Service");

export const SELF_SUBJECT_ACCESS_REVIEWS: ResourceType = {
  group: "authorization.k8s.io",
  version: "v1",
  plural: "selfsubjectaccessreviews",
  kind: "SelfSubjectAccessReview",
  namespaced: false,
};
