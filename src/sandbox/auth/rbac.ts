import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, type JsonObject } from "../json.ts";
import type { Store } from "../store.ts";
import type { UserInfo } from "./user.ts";

/** What a user wants to do: authorization.k8s.io attributes. */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string | undefined;
  readonly name?: string;
  /** For requests that are not for a resource. */
  readonly path?: string;
}

export type Authorizer = (attributes: Attributes) => boolean;

const ROLES = "roles.rbac.authorization.k8s.io";
const CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io";
const ROLE_BINDINGS = "rolebindings.rbac.authorization.k8s.io";
const CLUSTER_ROLE_BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io";

/** RBAC over the stored roles and bindings; system:masters may do everything. */
export function rbacAuthorizer(store: Store): Authorizer {
  return (attributes) => {
    if (attributes.user.groups.includes("system:masters")) return true;
    if (grants(store, store.list(CLUSTER_ROLE_BINDINGS), attributes)) return true;
    const { namespace } = attributes;
    return namespace !== undefined && grants(store, store.list(ROLE_BINDINGS, namespace), attributes);
  };
}

function grants(store: Store, bindings: readonly KubeObject[], attributes: Attributes): boolean {
  return bindings.some(
    (binding) =>
      asArray(binding.subjects).some((subject) => isSubject(asObject(subject), binding, attributes.user)) &&
      rulesOf(store, binding).some((rule) => ruleAllows(asObject(rule), attributes)),
  );
}

function isSubject(subject: JsonObject, binding: KubeObject, user: UserInfo): boolean {
  switch (subject.kind) {
    case "User":
      return subject.name === user.username;
    case "Group":
      return user.groups.includes(String(subject.name));
    default: {
      const namespace = subject.namespace ?? binding.metadata.namespace;
      return user.username === `system:serviceaccount:${namespace}:${subject.name}`;
    }
  }
}

function rulesOf(store: Store, binding: KubeObject): unknown[] {
  const { kind, name } = asObject(binding.roleRef);
  const role =
    kind === "ClusterRole"
      ? store.get(CLUSTER_ROLES, String(name))
      : store.get(ROLES, `${binding.metadata.namespace}/${name}`);
  if (role === undefined) return [];
  const selectors = asArray(asObject(role.aggregationRule).clusterRoleSelectors);
  if (selectors.length === 0) return asArray(role.rules);
  return store
    .list(CLUSTER_ROLES)
    .filter((each) => selectors.some((selector) => hasLabels(each, asObject(asObject(selector).matchLabels))))
    .flatMap((each) => asArray(each.rules));
}

function hasLabels(object: KubeObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([key, value]) => object.metadata.labels?.[key] === value);
}

function ruleAllows(rule: JsonObject, attributes: Attributes): boolean {
  if (!includes(rule.verbs, attributes.verb)) return false;
  if (attributes.path !== undefined) {
    return asArray(rule.nonResourceURLs).some((url) => urlMatches(String(url), attributes.path as string));
  }
  const { group = "", resource = "", subresource = "", name = "" } = attributes;
  const wanted = subresource === "" ? resource : `${resource}/${subresource}`;
  const names = asArray(rule.resourceNames);
  return (
    includes(rule.apiGroups, group) &&
    (includes(rule.resources, wanted) ||
      (subresource !== "" && includes(rule.resources, `*/${subresource}`))) &&
    (names.length === 0 || names.includes(name))
  );
}

function includes(values: unknown, wanted: string): boolean {
  return Array.isArray(values) && (values.includes("*") || values.includes(wanted));
}

function urlMatches(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}
