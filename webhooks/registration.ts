import type { KubeObject, ResourceType } from "../src/kube/api.ts";
import {
  BARE_METAL_HOSTS,
  BESKAR7_MACHINES,
  METAL3_MACHINES,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  PHYSICAL_HOSTS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../src/kube/types.ts";

/**
 * The one source of what the API server sends here: which writes, and how. manifests/, `install`, the caBundle
 * keeper and `doctor` all take it from here.
 */

export interface RegistrationOptions {
  /** Of both configurations; default: REGISTRATION_NAME. */
  name?: string;
  target: RegistrationTarget;
  /** PEM certificates that the API server is to trust; "" leaves the field out (cert-manager's injector fills it). */
  caPem: string;
  /** What the API server does with a claim while nobody answers; default Fail. */
  failurePolicy?: "Fail" | "Ignore";
  /** 1 to 30, default 10. The service answers within half of it. */
  timeoutSeconds?: number;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

export type RegistrationTarget =
  /** A Service in the cluster; port 1 to 65535, default 443. */
  | { service: { namespace: string; name: string; port?: number } }
  /** Base URL of a service outside the cluster, https. */
  | { url: string };

export const REGISTRATION_NAME = "beskar7-claim-coordinator";
export const MUTATE_PATH = "/mutate";
export const VALIDATE_PATH = "/validate";

/** A kind of host, and how its consumerRef reads where fields are left out. */
export interface HostRules {
  readonly hosts: ResourceType;
  /** The consumer's kind where typed clients dropped it. */
  readonly machineKind: string;
  /** A reference to this kind only keeps the host for a cluster (Metal3 node reuse); "" where there is no such. */
  readonly reservationKind: string;
}

export const HOST_RULES: readonly HostRules[] = [
  { hosts: PHYSICAL_HOSTS, machineKind: BESKAR7_MACHINES.kind, reservationKind: "" },
  { hosts: BARE_METAL_HOSTS, machineKind: METAL3_MACHINES.kind, reservationKind: "Cluster" },
];

export interface MatchCondition {
  readonly name: string;
  /** CEL over `object` and `oldObject`; all conditions of a webhook must hold. */
  readonly expression: string;
}

export function mutatingWebhookConfiguration(options: RegistrationOptions): KubeObject {
  return configuration(options, MUTATING_WEBHOOK_CONFIGURATIONS, MUTATE_PATH, {
    // A webhook behind ours may change whom the claim is for; then the stamps must be made again.
    reinvocationPolicy: "IfNeeded",
  });
}

export function validatingWebhookConfiguration(options: RegistrationOptions): KubeObject {
  return configuration(options, VALIDATING_WEBHOOK_CONFIGURATIONS, VALIDATE_PATH, {});
}

function configuration(
  options: RegistrationOptions,
  type: ResourceType,
  path: string,
  more: Readonly<Record<string, unknown>>,
): KubeObject {
  const { name = REGISTRATION_NAME, labels, annotations } = options;
  return {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    },
    webhooks: HOST_RULES.map((rules) => ({
      name: `${rules.hosts.plural}.claims.beskar7.io`,
      admissionReviewVersions: ["v1"],
      clientConfig: clientConfig(options, path),
      rules: [updatesOf(rules)],
      matchConditions: matchConditions(rules),
      matchPolicy: "Equivalent",
      failurePolicy: options.failurePolicy ?? "Fail",
      sideEffects: "NoneOnDryRun",
      timeoutSeconds: options.timeoutSeconds ?? 10,
      ...more,
    })),
  };
}

/** The writes that are looked at, before any condition. */
export function updatesOf({ hosts }: HostRules): Readonly<Record<string, unknown>> {
  return {
    apiGroups: [hosts.group],
    apiVersions: [hosts.version],
    resources: [hosts.plural],
    operations: ["UPDATE"],
    scope: "Namespaced",
  };
}

function clientConfig({ target, caPem }: RegistrationOptions, path: string): Record<string, unknown> {
  const where =
    "url" in target
      ? { url: `${target.url.replace(/\/+$/, "")}${path}` }
      : { service: { port: 443, ...target.service, path } };
  return caPem === "" ? where : { ...where, caBundle: Buffer.from(caPem).toString("base64") };
}

/**
 * What crosses the wire: claims and steals. Not a release (nobody is named afterwards), a completion (the same
 * consumer with more fields; design: "Same consumer"), or a reservation. `has()` guards each step, since the API
 * server treats an expression that fails as failurePolicy says, also for writes that are no claim.
 */
export function matchConditions({
  machineKind,
  reservationKind,
}: Omit<HostRules, "hosts">): MatchCondition[] {
  const before = reference("oldObject", machineKind);
  const after = reference("object", machineKind);
  const conditions = [
    { name: "names-a-consumer", expression: `${after.name} != ''` },
    {
      name: "another-consumer",
      expression: [
        `${before.name} != ${after.name}`,
        `${before.namespace} != ${after.namespace}`,
        `${before.kind} != ${after.kind}`,
        `(${before.uid} != '' && ${after.uid} != '' && ${before.uid} != ${after.uid})`,
      ].join(" || "),
    },
  ];
  if (reservationKind !== "") {
    conditions.push({
      name: "not-a-reservation",
      expression: `${after.kind} != '${reservationKind}' || ${before.kind} == '${reservationKind}'`,
    });
  }
  return conditions;
}

/** CEL for the fields of one side's consumerRef, completed as design says; '' where there is nothing. */
export function reference(side: "object" | "oldObject", machineKind: string) {
  const consumerRef = `${side}.spec.consumerRef`;
  const present = `has(${side}.spec) && has(${consumerRef})`;
  const field = (name: string, absent: string) =>
    `(${present} && has(${consumerRef}.${name}) && ${consumerRef}.${name} != '' ? ${consumerRef}.${name} : ${absent})`;
  return {
    name: field("name", "''"),
    namespace: field("namespace", `${side}.metadata.namespace`),
    kind: field("kind", `'${machineKind}'`),
    uid: field("uid", "''"),
  };
}
