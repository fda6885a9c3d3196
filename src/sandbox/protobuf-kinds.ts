/**
 * How a field stands on the wire and in JSON. A question mark: optional in Go as well, so that a zero is a
 * value and not an absence. A list holds its item's type, `{ map }` its values' type; `{ items }` is a message around
 * a list, which JSON shows as the list.
 */
export type FieldType =
  | "string"
  | "string?"
  | "bytes"
  | "raw"
  | "int"
  | "int?"
  | "bool"
  | "time"
  | "microTime"
  | readonly [FieldType]
  | { readonly map: FieldType }
  | { readonly items: FieldType }
  | Message;

/** Field number -> name and type. Source: the generated.proto files of k8s.io/api, API version 1.36. */
export interface Message {
  readonly [number: number]: readonly [name: string, type: FieldType];
}

const ownerReference: Message = {
  1: ["kind", "string"],
  3: ["name", "string"],
  4: ["uid", "string"],
  5: ["apiVersion", "string"],
  6: ["controller", "bool"],
  7: ["blockOwnerDeletion", "bool"],
};

const objectMeta: Message = {
  1: ["name", "string"],
  2: ["generateName", "string"],
  3: ["namespace", "string"],
  5: ["uid", "string"],
  6: ["resourceVersion", "string"],
  7: ["generation", "int"],
  8: ["creationTimestamp", "time"],
  9: ["deletionTimestamp", "time"],
  10: ["deletionGracePeriodSeconds", "int?"],
  11: ["labels", { map: "string?" }],
  12: ["annotations", { map: "string?" }],
  13: ["ownerReferences", [ownerReference]],
  14: ["finalizers", ["string?"]],
};

const objectReference: Message = {
  1: ["kind", "string"],
  2: ["namespace", "string"],
  3: ["name", "string"],
  4: ["uid", "string"],
  5: ["apiVersion", "string"],
  6: ["resourceVersion", "string"],
  7: ["fieldPath", "string"],
};

const resourceAttributes: Message = {
  1: ["namespace", "string"],
  2: ["verb", "string"],
  3: ["group", "string"],
  4: ["version", "string"],
  5: ["resource", "string"],
  6: ["subresource", "string"],
  7: ["name", "string"],
};
const nonResourceAttributes: Message = { 1: ["path", "string"], 2: ["verb", "string"] };

const policyRule: Message = {
  1: ["verbs", ["string?"]],
  2: ["apiGroups", ["string?"]],
  3: ["resources", ["string?"]],
  4: ["resourceNames", ["string?"]],
  5: ["nonResourceURLs", ["string?"]],
};
const subject: Message = {
  1: ["kind", "string"],
  2: ["apiGroup", "string"],
  3: ["name", "string"],
  4: ["namespace", "string"],
};
const roleRef: Message = { 1: ["apiGroup", "string"], 2: ["kind", "string"], 3: ["name", "string"] };

const withMetadata = (rest: Message): Message => ({ 1: ["metadata", objectMeta], ...rest });
const withSpec = (spec: Message): Message => withMetadata({ 2: ["spec", spec] });
const role = withMetadata({ 2: ["rules", [policyRule]] });
const binding = withMetadata({ 2: ["subjects", [subject]], 3: ["roleRef", roleRef] });
const subjectAccess: Message = {
  1: ["resourceAttributes", resourceAttributes],
  2: ["nonResourceAttributes", nonResourceAttributes],
  3: ["user", "string"],
  4: ["groups", ["string?"]],
  5: ["extra", { map: { items: "string?" } }],
  6: ["uid", "string"],
};

/** The kinds that are understood in protobuf. */
export const KINDS: Readonly<Record<string, Message>> = {
  ClusterRole: role,
  ClusterRoleBinding: binding,
  ConfigMap: withMetadata({
    2: ["data", { map: "string?" }],
    3: ["binaryData", { map: "bytes" }],
    4: ["immutable", "bool"],
  }),
  DeleteOptions: {
    1: ["gracePeriodSeconds", "int?"],
    2: ["preconditions", { 1: ["uid", "string"], 2: ["resourceVersion", "string"] }],
    4: ["propagationPolicy", "string"],
    5: ["dryRun", ["string?"]],
  },
  Event: withMetadata({
    2: ["involvedObject", objectReference],
    3: ["reason", "string"],
    4: ["message", "string"],
    5: ["source", { 1: ["component", "string"], 2: ["host", "string"] }],
    6: ["firstTimestamp", "time"],
    7: ["lastTimestamp", "time"],
    8: ["count", "int"],
    9: ["type", "string"],
    10: ["eventTime", "microTime"],
    12: ["action", "string"],
    13: ["related", objectReference],
    14: ["reportingComponent", "string"],
    15: ["reportingInstance", "string"],
  }),
  Lease: withSpec({
    1: ["holderIdentity", "string?"],
    2: ["leaseDurationSeconds", "int?"],
    3: ["acquireTime", "microTime"],
    4: ["renewTime", "microTime"],
    5: ["leaseTransitions", "int?"],
    6: ["strategy", "string"],
    7: ["preferredHolder", "string"],
  }),
  LocalSubjectAccessReview: withSpec(subjectAccess),
  Namespace: withMetadata({ 2: ["spec", { 1: ["finalizers", ["string?"]] }] }),
  Role: role,
  RoleBinding: binding,
  Secret: withMetadata({
    2: ["data", { map: "bytes" }],
    3: ["type", "string"],
    4: ["stringData", { map: "string?" }],
    5: ["immutable", "bool"],
  }),
  SelfSubjectAccessReview: withSpec(subjectAccess),
  SelfSubjectReview: withMetadata({}),
  ServiceAccount: withMetadata({
    2: ["secrets", [objectReference]],
    3: ["imagePullSecrets", [{ 1: ["name", "string"] }]],
    4: ["automountServiceAccountToken", "bool"],
  }),
  SubjectAccessReview: withSpec(subjectAccess),
  TokenRequest: withSpec({
    1: ["audiences", ["string?"]],
    3: [
      "boundObjectRef",
      { 1: ["kind", "string"], 2: ["apiVersion", "string"], 3: ["name", "string"], 4: ["uid", "string"] },
    ],
    4: ["expirationSeconds", "int?"],
  }),
  TokenReview: withSpec({ 1: ["token", "string"], 2: ["audiences", ["string?"]] }),
};
