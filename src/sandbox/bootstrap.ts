import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { randomUid, timestamp } from "./identifiers.ts";
import { BUILTINS } from "./resources/builtins.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import { qualified } from "./status.ts";
import { storageKey } from "./store.ts";

const NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];
const RBAC = "rbac.authorization.k8s.io";

const rule = (verbs: string[], apiGroups: string[], resources: string[]) => ({ verbs, apiGroups, resources });
const HEALTH = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
const REVIEW_GROUP = "authorization.k8s.io";

/** The roles of a real API server on which clients of this project can lean, and whom they are bound to. */
const ROLES: Readonly<Record<string, { rules: unknown[]; groups: string[] }>> = {
  "cluster-admin": {
    rules: [rule(["*"], ["*"], ["*"]), { verbs: ["*"], nonResourceURLs: ["*"] }],
    groups: ["system:masters"],
  },
  "system:auth-delegator": {
    rules: [
      rule(["create"], ["authentication.k8s.io"], ["tokenreviews"]),
      rule(["create"], [REVIEW_GROUP], ["subjectaccessreviews"]),
    ],
    groups: [],
  },
  "system:basic-user": {
    rules: [
      rule(["create"], [REVIEW_GROUP], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
      rule(["create"], ["authentication.k8s.io"], ["selfsubjectreviews"]),
    ],
    groups: ["system:authenticated"],
  },
  "system:discovery": {
    rules: [
      {
        verbs: ["get"],
        nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", ...HEALTH],
      },
    ],
    groups: ["system:authenticated"],
  },
  "system:public-info-viewer": {
    rules: [{ verbs: ["get"], nonResourceURLs: HEALTH }],
    groups: ["system:authenticated", "system:unauthenticated"],
  },
  "system:service-account-issuer-discovery": {
    rules: [
      {
        verbs: ["get"],
        nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks", "/openid/v1/jwks/"],
      },
    ],
    groups: ["system:serviceaccounts"],
  },
};

/** Writes what a fresh cluster holds, then forgets how it came: watches can't go back before the start. */
export function bootstrap(core: Core): void {
  for (const name of NAMESPACES) seed(core, "namespaces", { metadata: { name } });
  for (const [name, { rules, groups }] of Object.entries(ROLES)) {
    seed(core, "clusterroles", { metadata: { name }, rules });
    if (groups.length === 0) continue;
    seed(core, "clusterrolebindings", {
      metadata: { name },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: groups.map((group) => ({ apiGroup: RBAC, kind: "Group", name: group })),
    });
  }
  core.store.compact();
}

function seed(core: Core, plural: string, object: KubeObject): void {
  const resource = BUILTINS.find((each) => each.plural === plural) as Resource;
  const full: KubeObject = {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    ...object,
    metadata: {
      ...object.metadata,
      uid: randomUid(core.random),
      creationTimestamp: timestamp(core.clock.wallMs()),
    },
  };
  resource.applyDefaults?.(full);
  core.store.put(qualified(resource), storageKey(full.metadata), full, undefined);
}
