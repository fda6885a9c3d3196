import type { KubeObject, ResourceType } from "../kube/api.ts";
import {
  BARE_METAL_HOSTS,
  BESKAR7_MACHINES,
  CLAIM_REQUESTS,
  HOST_CLAIMS,
  LEASES,
  METAL3_MACHINES,
  PHYSICAL_HOSTS,
} from "../kube/types.ts";
import { LABELS, type Names, SERVICE_NAME } from "./install-names.ts";

const READ = ["get", "list", "watch"];

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

const rule = (type: ResourceType, verbs: string[], subresource = ""): Rule => ({
  apiGroups: [type.group],
  resources: [`${type.plural}${subresource}`],
  verbs,
});

const LEADER_ELECTION_ROLE = "beskar7-leader-election";

/** As the document that announced the coordinator has it. */
const LEADER_ELECTION: Rule = {
  apiGroups: ["coordination.k8s.io"],
  resources: ["leases"],
  verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
};

/** What the service does outside its own namespace, and nothing more. */
const service = ({ registration }: Names): Rule[] => [
  rule(PHYSICAL_HOSTS, [...READ, "patch"]),
  rule(BARE_METAL_HOSTS, [...READ, "patch"]),
  rule(BESKAR7_MACHINES, READ),
  rule(METAL3_MACHINES, READ),
  rule(HOST_CLAIMS, ["get"]),
  rule(CLAIM_REQUESTS, [...READ, "create", "patch", "delete"]),
  rule(CLAIM_REQUESTS, ["patch"], "/status"),
  { apiGroups: [""], resources: ["events"], verbs: ["create"] },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    resourceNames: [registration],
    verbs: ["get", "patch"],
  },
];

/** The Secret by its name; creating can't be limited to a name. */
const certificates = ({ certSecret }: Names): Rule[] => [
  { apiGroups: [""], resources: ["secrets"], resourceNames: [certSecret], verbs: ["get", "update"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
];

/**
 * Of the service's own rights those of replicas that are all stateless: nothing is watched, and the Lease is only
 * read. In the place of the roles of the same names.
 */
export function statelessRoles(names: Names): KubeObject[] {
  const unwatched = service(names).map((one) => ({
    ...one,
    verbs: one.verbs.filter((verb) => verb !== "watch"),
  }));
  return [role(LEADER_ELECTION_ROLE, [rule(LEASES, ["get"])]), role(SERVICE_NAME, unwatched)];
}

const RBAC = "rbac.authorization.k8s.io";

function role(name: string, rules: object[], namespace?: string, labels: object = {}): KubeObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? "ClusterRole" : "Role",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { ...LABELS, ...labels } },
    rules,
  };
}

/** Binds a role to the service account: in one namespace, or everywhere where none is named. */
function bind(
  name: string,
  roleKind: "ClusterRole" | "Role",
  serviceNamespace: string,
  namespace?: string,
): KubeObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: LABELS },
    roleRef: { apiGroup: RBAC, kind: roleKind, name },
    subjects: [{ kind: "ServiceAccount", name: SERVICE_NAME, namespace: serviceNamespace }],
  };
}

/**
 * The service's own rights, and roles to hand out: `beskar7-claimrequest-creator` (a request is a claim, so creating
 * one is a right of its own), `beskar7-claimrequest-viewer` (also opens the queue API of its namespace; part of the
 * cluster's `view`), `beskar7-metrics-reader`. None but the service may write a request's status.
 */
export function rbacObjects(names: Names): KubeObject[] {
  const { namespace, leaseNamespace } = names;
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: SERVICE_NAME, namespace, labels: LABELS },
    },
    role(LEADER_ELECTION_ROLE, [LEADER_ELECTION]),
    bind(LEADER_ELECTION_ROLE, "ClusterRole", namespace, leaseNamespace),
    role(SERVICE_NAME, service(names)),
    bind(SERVICE_NAME, "ClusterRole", namespace),
    role(`${SERVICE_NAME}-certificates`, certificates(names), namespace),
    bind(`${SERVICE_NAME}-certificates`, "Role", namespace, namespace),
    role("beskar7-claimrequest-creator", [
      rule(CLAIM_REQUESTS, [...READ, "create", "update", "patch", "delete"]),
    ]),
    role("beskar7-claimrequest-viewer", [rule(CLAIM_REQUESTS, READ)], undefined, {
      "rbac.authorization.k8s.io/aggregate-to-view": "true",
    }),
    role("beskar7-metrics-reader", [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }]),
  ];
}
