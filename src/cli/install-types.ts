import type { ResourceType } from "../kube/api.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../kube/types.ts";

/** Resource types that only `install` and `uninstall` touch; the policies, only the latter. */

const rbac = (kind: string, namespaced: boolean): ResourceType => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  kind,
  namespaced,
});
export const CLUSTER_ROLES = rbac("ClusterRole", false);
export const CLUSTER_ROLE_BINDINGS = rbac("ClusterRoleBinding", false);
export const ROLES = rbac("Role", true);
export const ROLE_BINDINGS = rbac("RoleBinding", true);

export const SERVICE_ACCOUNTS: ResourceType = {
  group: "",
  version: "v1",
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};

const flowControl = (kind: string): ResourceType => ({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  kind,
  namespaced: false,
});
export const FLOW_SCHEMAS = flowControl("FlowSchema");
export const PRIORITY_LEVELS = flowControl("PriorityLevelConfiguration");

const policy = (kind: string, plural: string): ResourceType => ({
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural,
  kind,
  namespaced: false,
});
export const VALIDATING_ADMISSION_POLICIES = policy(
  "ValidatingAdmissionPolicy",
  "validatingadmissionpolicies",
);
export const VALIDATING_ADMISSION_POLICY_BINDINGS = policy(
  "ValidatingAdmissionPolicyBinding",
  "validatingadmissionpolicybindings",
);

const INSTALLED: readonly ResourceType[] = [
  NAMESPACES,
  CUSTOM_RESOURCE_DEFINITIONS,
  SERVICE_ACCOUNTS,
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  ROLES,
  ROLE_BINDINGS,
  PRIORITY_LEVELS,
  FLOW_SCHEMAS,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
];

/** The type of an object that `install` makes, or an overlay beside it. */
export function installedType(kind: string | undefined): ResourceType {
  const type = INSTALLED.find((known) => known.kind === kind);
  if (type === undefined) throw new Error(`install makes no ${kind}`);
  return type;
}
