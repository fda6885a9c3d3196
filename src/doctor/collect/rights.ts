import type { Names } from "../../cli/install-names.ts";
import { rbacObjects, statelessRoles } from "../../cli/install-rbac.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../kube/api.ts";
import { isForbidden } from "../../kube/errors.ts";
import { SUBJECT_ACCESS_REVIEWS } from "../../kube/types.ts";
import type { Right, RightsFacts } from "../snapshot.ts";
import { SELF_SUBJECT_ACCESS_REVIEWS } from "./types.ts";

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * Everything that the roles bound to the service account grant, from the same source as `install`; less of it where
 * all replicas are stateless.
 */
export function wantedRights(names: Names, stateless = false): Right[] {
  const all = rbacObjects(names);
  const lesser = stateless ? statelessRoles(names) : [];
  const objects = all.map(
    (object) =>
      lesser.find(({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name) ??
      object,
  );
  const bindings = objects.filter(({ kind }) => kind === "ClusterRoleBinding" || kind === "RoleBinding");
  return bindings.flatMap((binding) => {
    const { kind, name } = binding.roleRef as { kind: string; name: string };
    const role = objects.find((object) => object.kind === kind && object.metadata.name === name);
    const rules = (role?.rules ?? []) as readonly Rule[];
    return rules.flatMap((rule) => rightsOf(rule, binding.metadata.namespace ?? ""));
  });
}

function rightsOf(
  { apiGroups = [], resources = [], resourceNames = [""], verbs }: Rule,
  namespace: string,
): Right[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((path) => {
      const [resource = "", subresource = ""] = path.split("/");
      return verbs.flatMap((verb) =>
        resourceNames.map((name) => ({ verb, group, resource, subresource, name, namespace })),
      );
    }),
  );
}

/** Reviews under way at the same time: they are cheap, and there are some dozens. */
const PARALLEL = 8;

/**
 * Asks about the service account where the caller may ask about others, else about the caller itself, whose rights
 * say something of the service only where it is the service account. Rejects with a KubeError.
 */
export async function readRights(
  api: KubeApi,
  names: Names,
  who: { serviceAccount: string; caller: string; stateless: boolean },
): Promise<RightsFacts> {
  const wanted = wantedRights(names, who.stateless);
  const service = `system:serviceaccount:${names.namespace}:${who.serviceAccount}`;
  try {
    const groups = [
      "system:serviceaccounts",
      `system:serviceaccounts:${names.namespace}`,
      "system:authenticated",
    ];
    const spec = { user: service, groups };
    const missing = await denied(wanted, (right) => review(api, SUBJECT_ACCESS_REVIEWS, spec, right));
    return { user: service, isService: true, asked: wanted.length, missing };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const missing = await denied(wanted, (right) => review(api, SELF_SUBJECT_ACCESS_REVIEWS, {}, right));
    return { user: who.caller, isService: who.caller === service, asked: wanted.length, missing };
  }
}

async function denied(
  rights: readonly Right[],
  allowed: (right: Right) => Promise<boolean>,
): Promise<Right[]> {
  const answers: boolean[] = [];
  const queue = [...rights.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      answers[next[0]] = await allowed(next[1]);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return rights.filter((_right, index) => answers[index] === false);
}

async function review(api: KubeApi, type: ResourceType, spec: object, right: Right): Promise<boolean> {
  const resourceAttributes = Object.fromEntries(Object.entries(right).filter(([, value]) => value !== ""));
  const object: KubeObject = {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { name: "" },
    spec: { ...spec, resourceAttributes },
  };
  const { status } = await api.create(type, object);
  return (status as { allowed?: boolean } | undefined)?.allowed === true;
}
