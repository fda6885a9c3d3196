import type { Schema } from "../schema/schema.ts";

const string: Schema = { type: "string" };
const integer: Schema = { type: "integer" };
const boolean: Schema = { type: "boolean" };
const list = (items: Schema): Schema => ({ type: "array", items });
const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
const struct = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
});
/** Stored as it comes: the sandbox gives these parts no meaning. */
const opaque: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const microTime: Schema = { type: "string", format: "micro-time" };
const intOrString: Schema = { "x-kubernetes-int-or-string": true };

const objectReference = struct({
  apiVersion: string,
  kind: string,
  name: string,
  namespace: string,
  uid: string,
  resourceVersion: string,
  fieldPath: string,
});
const policyRule = struct({
  apiGroups: list(string),
  resources: list(string),
  verbs: list(string),
  resourceNames: list(string),
  nonResourceURLs: list(string),
});
const binding = struct({
  roleRef: struct({ apiGroup: string, kind: string, name: string }),
  subjects: list(struct({ kind: string, name: string, namespace: string, apiGroup: string })),
});
const labelSelector: Schema = {
  ...struct({
    matchLabels: map(string),
    matchExpressions: list(struct({ key: string, operator: string, values: list(string) })),
  }),
  "x-kubernetes-map-type": "atomic",
};

const webhookFields: Record<string, Schema> = {
  name: string,
  clientConfig: struct({
    url: string,
    caBundle: string,
    service: struct({ name: string, namespace: string, path: string, port: integer }),
  }),
  rules: list(
    struct({
      operations: list(string),
      apiGroups: list(string),
      apiVersions: list(string),
      resources: list(string),
      scope: string,
    }),
  ),
  failurePolicy: string,
  matchPolicy: string,
  namespaceSelector: labelSelector,
  objectSelector: labelSelector,
  sideEffects: string,
  timeoutSeconds: integer,
  admissionReviewVersions: list(string),
  matchConditions: {
    ...list(struct({ name: string, expression: string })),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  },
};
const webhooks = (more: Record<string, Schema>): Schema =>
  struct({
    webhooks: {
      ...list(struct({ ...webhookFields, ...more })),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
  });

/** Schemas of built-in kinds: exact where this project relies on the type, open where it only stores it. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  ClusterRole: struct({ rules: list(policyRule), aggregationRule: opaque }),
  ClusterRoleBinding: binding,
  ConfigMap: struct({ data: map(string), binaryData: map(string), immutable: boolean }),
  CustomResourceDefinition: struct({ spec: opaque, status: opaque }),
  Deployment: struct({ spec: { ...opaque, properties: { replicas: integer } }, status: opaque }),
  Event: struct({
    action: string,
    count: integer,
    eventTime: microTime,
    firstTimestamp: string,
    involvedObject: objectReference,
    lastTimestamp: string,
    message: string,
    reason: string,
    related: objectReference,
    reportingComponent: string,
    reportingInstance: string,
    series: struct({ count: integer, lastObservedTime: microTime }),
    source: struct({ component: string, host: string }),
    type: string,
  }),
  FlowSchema: struct({ spec: opaque, status: opaque }),
  Lease: struct({
    spec: struct({
      acquireTime: microTime,
      holderIdentity: string,
      leaseDurationSeconds: integer,
      leaseTransitions: integer,
      preferredHolder: string,
      renewTime: microTime,
      strategy: string,
    }),
  }),
  MutatingWebhookConfiguration: webhooks({ reinvocationPolicy: string }),
  Namespace: struct({ spec: struct({ finalizers: list(string) }), status: opaque }),
  NetworkPolicy: struct({ spec: opaque }),
  Pod: struct({ spec: opaque, status: opaque }),
  PodDisruptionBudget: struct({
    spec: struct({
      minAvailable: intOrString,
      maxUnavailable: intOrString,
      selector: labelSelector,
      unhealthyPodEvictionPolicy: string,
    }),
    status: opaque,
  }),
  PriorityLevelConfiguration: struct({ spec: opaque, status: opaque }),
  Role: struct({ rules: list(policyRule) }),
  RoleBinding: binding,
  Secret: struct({ data: map(string), stringData: map(string), type: string, immutable: boolean }),
  Service: struct({ spec: opaque, status: opaque }),
  ServiceAccount: struct({
    automountServiceAccountToken: boolean,
    imagePullSecrets: list(struct({ name: string })),
    secrets: list(objectReference),
  }),
  ValidatingWebhookConfiguration: webhooks({}),
};
