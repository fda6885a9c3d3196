import type { KubeObject } from "../../src/kube/api.ts";

/** One verb on one resource, as a rule grants it. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
}

/** As the tables call it: "patch claimrequests/status". */
export const nameOf = ({ verb, resource }: Right): string => `${verb} ${resource}`;

export function rightsOf(role: KubeObject): Right[] {
  return rulesOf(role).flatMap(({ verbs, apiGroups = [], resources = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource }))),
    ),
  );
}

/** The role with this right taken out of it, and nothing else. */
export function without(role: KubeObject, right: Right): KubeObject {
  const rules = rulesOf(role).flatMap((rule) => {
    const { verbs, apiGroups = [], resources = [] } = rule;
    const grants =
      apiGroups.includes(right.group) && resources.includes(right.resource) && verbs.includes(right.verb);
    if (!grants) return [rule];
    const others = resources.filter((resource) => resource !== right.resource);
    const left = verbs.filter((verb) => verb !== right.verb);
    return [
      ...(others.length > 0 ? [{ ...rule, resources: others }] : []),
      ...(left.length > 0 ? [{ ...rule, resources: [right.resource], verbs: left }] : []),
    ];
  });
  return { ...role, rules };
}

function rulesOf(role: KubeObject): readonly Rule[] {
  return (role.rules ?? []) as readonly Rule[];
}
