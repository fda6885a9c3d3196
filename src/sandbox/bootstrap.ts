import type { KubeObject } from "../kube/api.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../kube/types.ts";
import type { Core } from "./core.ts";
import { validateObject } from "./creates.ts";
import { establishedStatus } from "./custom-resources.ts";
import { settleObject } from "./decode.ts";
import { randomUid, timestamp } from "./identifiers.ts";
import { BUILTINS } from "./resources/builtins.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import { invalid, qualified } from "./status.ts";
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

/**
 * Writes what a fresh cluster holds, with the given definitions established, then forgets how it came: watches
 * can't go back before the start. @throws ApiError 422 for a definition that is not valid
 */
export function bootstrap(core: Core, definitions: readonly KubeObject[]): void {
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
  for (const definition of definitions) install(core, definition);
  core.store.compact();
}

function install(core: Core, definition: KubeObject): void {
  const resource = core.registry.byKind(
    "apiextensions.k8s.io/v1",
    CUSTOM_RESOURCE_DEFINITIONS.kind,
  ) as Resource;
  const settled = settleObject(definition, resource);
  const errors = validateObject(resource, settled, undefined);
  if (errors.length > 0) throw invalid(resource, settled.metadata.name, errors);
  const status = establishedStatus(settled, timestamp(core.clock.wallMs()));
  seed(core, resource.plural, { ...settled, metadata: { ...settled.metadata, generation: 1 }, status });
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
