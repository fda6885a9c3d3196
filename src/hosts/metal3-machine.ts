import type { LabelExpression, Requirements } from "../claims/claim.ts";
import { NO_REQUIREMENTS } from "../claims/requirements.ts";
import type { KubeObject } from "../kube/api.ts";
import { METAL3_MACHINES } from "../kube/types.ts";
import {
  annotationsOf,
  type Fields,
  fieldsOf,
  isFalseFor,
  labelsOf,
  listOf,
  specOf,
  statusOf,
  textOf,
} from "./fields.ts";
import { readMachineOf } from "./machine.ts";
import type { Machine } from "./profile.ts";

/**
 * Written by cluster-api-provider-metal3 on a machine that has a host: namespace/name of the host. A machine that has
 * it is never associated again, even if that host is gone, so another host would be lost on it.
 */
export const HOST_ANNOTATION = "metal3.io/BareMetalHost";
/**
 * On hosts that are kept for one control plane ("cp-NAME", in older releases "kcp-NAME") or machine deployment
 * ("md-NAME").
 */
export const NODE_REUSE_LABEL = "infrastructure.cluster.x-k8s.io/node-reuse";
const FAILURE_DOMAIN_LABEL = "infrastructure.cluster.x-k8s.io/failure-domain";
const CONTROL_PLANE_NAME_LABEL = "cluster.x-k8s.io/control-plane-name";
const DEPLOYMENT_NAME_LABEL = "cluster.x-k8s.io/deployment-name";

/**
 * Metal3Machine. It waits when its controller failed to associate it: that is tried only once its bootstrap data is
 * ready, and before that the reason is another one.
 */
export function readMetal3Machine(object: KubeObject): Machine {
  const spec = specOf(object);
  const status = statusOf(object);
  const { expressions, problems } = readExpressions(fieldsOf(spec.hostSelector).matchExpressions);
  const failureDomain = textOf(spec.failureDomain);
  const requirements: Requirements = {
    ...NO_REQUIREMENTS,
    requiredLabels: textsOf(fieldsOf(spec.hostSelector).matchLabels),
    expressions: [...expressions, keptForNoOtherGroup(object)],
    preferredLabels: failureDomain === "" ? {} : { [FAILURE_DOMAIN_LABEL]: failureDomain },
  };
  const failed =
    isFalseFor(status.conditions, "AssociateBMH", ["AssociateBMHFailed"]) ||
    isFalseFor(status.conditions, "AssociateBareMetalHost", ["AssociateBareMetalHostFailed"]);
  return readMachineOf(METAL3_MACHINES, object, {
    requirements,
    problems,
    waits: failed && !Object.hasOwn(annotationsOf(object), HOST_ANNOTATION),
    hostSpec: {},
  });
}

/**
 * cluster-api-provider-metal3 never takes a host that is kept for another group than the machine's, and one that is
 * kept for its own before all others, wherever they are.
 */
function keptForNoOtherGroup(object: KubeObject): LabelExpression {
  const labels = labelsOf(object);
  const controlPlane = textOf(labels[CONTROL_PLANE_NAME_LABEL]);
  const deployment = textOf(labels[DEPLOYMENT_NAME_LABEL]);
  let values: string[] = [];
  if (controlPlane !== "") values = [`cp-${controlPlane}`, `kcp-${controlPlane}`];
  else if (deployment !== "") values = [`md-${deployment}`];
  return { key: NODE_REUSE_LABEL, operator: "AbsentOrIn", values };
}

// The operators of Kubernetes' label selectors, in both of the spellings that reach the API.
const OPERATORS: Readonly<Record<string, LabelExpression["operator"]>> = {
  in: "In",
  "=": "In",
  "==": "In",
  notin: "NotIn",
  "!=": "NotIn",
  exists: "Exists",
  doesnotexist: "DoesNotExist",
  "!": "DoesNotExist",
};

function readExpressions(list: unknown): { expressions: LabelExpression[]; problems: string[] } {
  const problems: string[] = [];
  const expressions = listOf(list).map((entry): LabelExpression => {
    const fields = fieldsOf(entry);
    const key = textOf(fields.key);
    const word = textOf(fields.operator);
    const name = word.toLowerCase();
    const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
    if (operator !== undefined) return { key, operator, values: listOf(fields.values).map(textOf) };
    // Its controller would choose no host at all; a selector that can't be read must not mean "any host".
    problems.push(
      `spec.hostSelector.matchExpressions: the operator ${JSON.stringify(word)} of ${key} is unknown, so no host fits`,
    );
    return { key, operator: "In", values: [] };
  });
  return { expressions, problems };
}

function textsOf(fields: unknown): Record<string, string> {
  const entries = Object.entries(fieldsOf(fields) satisfies Fields);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
