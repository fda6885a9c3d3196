import type { KubeObject } from "../src/kube/api.ts";
import { HOST_RULES, type HostRules, matchConditions, reference, updatesOf } from "./registration.ts";

/**
 * A safety net in the API server itself: ValidatingAdmissionPolicies that forbid steals, with no service to call.
 * Beside `failurePolicy: Ignore`, which lets every claim pass while no replica answers. The same classification as
 * the webhooks': what they are sent, and of that what takes a host from somebody.
 */
export function stealGuardObjects(labels: Readonly<Record<string, string>>): KubeObject[] {
  return HOST_RULES.flatMap((rules) => {
    const metadata = { name: `${rules.hosts.plural}.claims.beskar7.io`, labels: { ...labels } };
    const apiVersion = "admissionregistration.k8s.io/v1";
    return [
      { apiVersion, kind: "ValidatingAdmissionPolicy", metadata, spec: policy(rules) },
      {
        apiVersion,
        kind: "ValidatingAdmissionPolicyBinding",
        metadata,
        spec: { policyName: metadata.name, validationActions: ["Deny"] },
      },
    ];
  });
}

function policy(rules: HostRules): Readonly<Record<string, unknown>> {
  const before = reference("oldObject", rules.machineKind);
  const free = [`${before.name} == ''`];
  // A host that is only kept for a cluster is nobody's; whose cluster it is, the service judges.
  if (rules.reservationKind !== "") free.push(`${before.kind} == '${rules.reservationKind}'`);
  return {
    failurePolicy: "Fail",
    matchConstraints: { matchPolicy: "Equivalent", resourceRules: [updatesOf(rules)] },
    matchConditions: matchConditions(rules),
    validations: [
      {
        expression: free.join(" || "),
        reason: "Forbidden",
        messageExpression: `'host ' + object.metadata.name + ' is held by ' + ${before.kind} + ' ' + ${before.namespace} + '/' + ${before.name} + '; it must be released first'`,
      },
    ],
  };
}
