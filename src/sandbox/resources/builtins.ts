import { COLUMNS } from "./columns.ts";
import { DEFAULTS } from "./defaults.ts";
import { apiVersionOf, type NameRule, type Resource, type Subresource } from "./resource.ts";
import { SCHEMAS } from "./schemas.ts";
import { VALIDATIONS } from "./validations.ts";

interface Traits {
  short?: string[];
  singular?: string;
  categories?: string[];
  subresources?: Subresource[];
  generation?: boolean;
  createOnUpdate?: boolean;
  unconditionalUpdate?: boolean;
  nameRule?: NameRule;
  selectable?: string[];
}

function define(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
  traits: Traits = {},
): Resource {
  const type = { group, version, plural, kind, namespaced };
  return {
    ...type,
    singular: traits.singular ?? kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames: traits.short ?? [],
    categories: traits.categories ?? [],
    subresources: traits.subresources ?? [],
    custom: false,
    generation: traits.generation ?? false,
    createOnUpdate: traits.createOnUpdate ?? false,
    unconditionalUpdate: traits.unconditionalUpdate ?? true,
    nameRule: traits.nameRule ?? "subdomain",
    selectable: traits.selectable ?? [],
    columns: COLUMNS[kind] ?? [],
    schema: SCHEMAS[kind],
    storageVersion: apiVersionOf(type),
    ...(DEFAULTS[kind] === undefined ? {} : { applyDefaults: DEFAULTS[kind] }),
    ...(VALIDATIONS[kind] === undefined ? {} : { validate: VALIDATIONS[kind] }),
  };
}

const ADMISSION = "admissionregistration.k8s.io";
const EXTENSIONS = "apiextensions.k8s.io";
const FLOW = "flowcontrol.apiserver.k8s.io";
const RBAC = "rbac.authorization.k8s.io";

const EVENT_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
  (field) => `involvedObject.${field}`,
);

/** The types that the sandbox serves before any CustomResourceDefinition. */
export const BUILTINS: readonly Resource[] = [
  define("", "v1", "configmaps", "ConfigMap", true, { short: ["cm"] }),
  define("", "v1", "events", "Event", true, {
    short: ["ev"],
    createOnUpdate: true,
    selectable: [...EVENT_FIELDS, "reason", "type", "source"],
  }),
  define("", "v1", "namespaces", "Namespace", false, {
    short: ["ns"],
    subresources: ["finalize", "status"],
    nameRule: "label",
    selectable: ["status.phase"],
  }),
  define("", "v1", "pods", "Pod", true, {
    short: ["po"],
    categories: ["all"],
    subresources: ["status"],
    generation: true,
    selectable: ["spec.nodeName", "spec.serviceAccountName", "status.phase"],
  }),
  define("", "v1", "secrets", "Secret", true, { selectable: ["type"] }),
  define("", "v1", "serviceaccounts", "ServiceAccount", true, { short: ["sa"], subresources: ["token"] }),
  define("", "v1", "services", "Service", true, {
    short: ["svc"],
    categories: ["all"],
    subresources: ["status"],
    nameRule: "label1035",
    selectable: ["spec.clusterIP", "spec.type"],
  }),
  define(ADMISSION, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false, {
    categories: ["api-extensions"],
    generation: true,
  }),
  define(ADMISSION, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false, {
    categories: ["api-extensions"],
    generation: true,
  }),
  define(EXTENSIONS, "v1", "customresourcedefinitions", "CustomResourceDefinition", false, {
    short: ["crd", "crds"],
    categories: ["api-extensions"],
    subresources: ["status"],
    generation: true,
    unconditionalUpdate: false,
  }),
  define("apps", "v1", "deployments", "Deployment", true, {
    short: ["deploy"],
    categories: ["all"],
    subresources: ["scale", "status"],
    generation: true,
  }),
  define("coordination.k8s.io", "v1", "leases", "Lease", true, {
    createOnUpdate: true,
    unconditionalUpdate: false,
  }),
  define(FLOW, "v1", "flowschemas", "FlowSchema", false, {
    subresources: ["status"],
    generation: true,
    unconditionalUpdate: false,
  }),
  define(FLOW, "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", false, {
    subresources: ["status"],
    generation: true,
    unconditionalUpdate: false,
  }),
  define("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, {
    short: ["netpol"],
    generation: true,
  }),
  define("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, {
    short: ["pdb"],
    subresources: ["status"],
    generation: true,
    unconditionalUpdate: false,
  }),
  define(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", false, {
    createOnUpdate: true,
    nameRule: "path",
  }),
  define(RBAC, "v1", "clusterroles", "ClusterRole", false, { createOnUpdate: true, nameRule: "path" }),
  define(RBAC, "v1", "rolebindings", "RoleBinding", true, { createOnUpdate: true, nameRule: "path" }),
  define(RBAC, "v1", "roles", "Role", true, { createOnUpdate: true, nameRule: "path" }),
];

/** Types that are asked and answered, never stored: POST only. */
export const REVIEWS: readonly Resource[] = [
  define("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false),
  define("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false),
  define("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true),
  define("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
  define("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false),
];
