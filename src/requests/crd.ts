import type { KubeObject } from "../kube/api.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { HOST_KINDS, namePrefix, PHASES, RESERVED_KINDS } from "./claim-request.ts";

type Schema = Readonly<Record<string, unknown>>;

const string = (description: string, more: Schema = {}): Schema => ({ type: "string", description, ...more });
const time = (description: string): Schema => string(description, { format: "date-time" });

/** Lists of label keys. A label key has at most 317 characters: prefix 253, slash, name 63. */
const labelKeys = (description: string): Schema => ({
  type: "array",
  description,
  maxItems: 64,
  items: { type: "string", minLength: 1, maxLength: 317 },
  "x-kubernetes-list-type": "set",
});

const labels = (description: string): Schema => ({
  type: "object",
  description,
  maxProperties: 64,
  additionalProperties: { type: "string", maxLength: 63 },
});

const atLeast = (description: string): Schema => ({
  type: "integer",
  format: "int64",
  minimum: 0,
  description,
});

/** The fields of corev1.ObjectReference, any of which a client may have written, empty or not. */
const CONSUMER_REF: Schema = {
  type: "object",
  description:
    "Whom the host is for, exactly as its client writes it into a host. Absent: the request itself, " +
    "which releases the host when it is deleted.",
  "x-kubernetes-map-type": "atomic",
  properties: {
    apiVersion: string("API version of the consumer; may be empty.", { maxLength: 317 }),
    kind: string("Kind of the consumer; empty means the machine kind of the host kind.", { maxLength: 63 }),
    namespace: string("Namespace of the consumer; empty means this request's.", { maxLength: 63 }),
    name: string("Name of the consumer.", { maxLength: 253 }),
    uid: string("uid of the consumer; may be empty.", { maxLength: 128 }),
    resourceVersion: string("Kept as written; means nothing here.", { maxLength: 128 }),
    fieldPath: string("Kept as written; means nothing here.", { maxLength: 1024 }),
  },
};

const REQUIREMENTS: Schema = {
  type: "object",
  description:
    "What the host must have. Counts only where the consumer is not a machine that says so itself.",
  properties: {
    requiredTags: labelKeys("Label keys that the host must have."),
    preferredTags: labelKeys("Label keys that the host should have; more of them is better."),
    requiredLabels: labels("Labels that the host must have, with these values."),
    preferredLabels: labels("Labels that the host should have, with these values."),
    hardware: {
      type: "object",
      description: "Smallest hardware, compared with the host's inspection report where it has one.",
      properties: {
        minCPUCores: atLeast("CPU cores."),
        minMemoryGB: atLeast("Memory in GB."),
        minDiskGB: atLeast("Disk space in GB."),
      },
    },
    matchExpressions: {
      type: "array",
      description: "Label selector requirements; all of them must hold.",
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        required: ["key", "operator"],
        properties: {
          key: { type: "string", minLength: 1, maxLength: 317 },
          operator: { type: "string", enum: ["In", "NotIn", "Exists", "DoesNotExist"] },
          values: {
            type: "array",
            maxItems: 64,
            items: { type: "string", maxLength: 63 },
            "x-kubernetes-list-type": "atomic",
          },
        },
        "x-kubernetes-validations": [
          {
            rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
            message: "In and NotIn need values; Exists and DoesNotExist take none",
          },
        ],
      },
    },
  },
};

const SPEC: Schema = {
  type: "object",
  description: "Who waits, and for what.",
  default: {},
  properties: {
    consumerRef: CONSUMER_REF,
    hostKind: string("Kind of the hosts that it waits for.", {
      enum: [...HOST_KINDS],
      default: HOST_KINDS[0],
    }),
    requirements: REQUIREMENTS,
    priority: {
      type: "integer",
      format: "int32",
      description: "Points on top of the age of the request; may be negative.",
    },
  },
  "x-kubernetes-validations": [
    {
      rule: "has(self.consumerRef) == has(oldSelf.consumerRef) && (!has(self.consumerRef) || self.consumerRef == oldSelf.consumerRef)",
      message: "consumerRef can't be changed: delete the request and create another",
    },
    {
      // Guarded, since the API server checks the schema's own default, {}, against its rules.
      rule: "!has(self.hostKind) || !has(oldSelf.hostKind) || self.hostKind == oldSelf.hostKind",
      message: "hostKind can't be changed: delete the request and create another",
    },
  ],
};

const CONDITION: Schema = {
  type: "object",
  required: ["type", "status", "lastTransitionTime", "reason", "message"],
  properties: {
    type: { type: "string", minLength: 1, maxLength: 316 },
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    observedGeneration: { type: "integer", format: "int64", minimum: 0 },
    lastTransitionTime: { type: "string", format: "date-time" },
    reason: { type: "string", minLength: 1, maxLength: 1024 },
    message: { type: "string", maxLength: 32768 },
  },
};

const STATUS: Schema = {
  type: "object",
  description: "Written by the claim coordinator alone.",
  // So that a request that nobody has written to yet shows where it stands.
  default: { phase: PHASES[0] },
  properties: {
    phase: string("Where the request stands.", { enum: [...PHASES] }),
    binding: {
      type: "object",
      description: "The one host that the consumer may be getting now, or has.",
      required: ["hostName", "hostUID", "hostResourceVersion"],
      properties: {
        hostName: string("Name of the host.", { minLength: 1 }),
        hostUID: string("uid of the host.", { minLength: 1 }),
        hostResourceVersion: string("The version that the one write of this binding asks for.", {
          minLength: 1,
        }),
        term: string("The holdership that took it; empty on the optimistic path."),
      },
    },
    hostName: string("The host that it has, or is getting."),
    hostNamespace: string("Where its hosts are, if not in its own namespace (kinds that may claim across)."),
    heldBackTerm: string("The holdership that passes it over for a while because its bindings keep failing."),
    lastAttempt: {
      type: "object",
      description: "The last claim that a foreign holder sent for the consumer.",
      properties: { requester: string("Who sent it."), time: time("When.") },
    },
    requestedAt: time("When the consumer last began to wait."),
    boundAt: time("When it last got a host."),
    releasedAt: time("When it last gave one up."),
    message: string("What it waits for, in one sentence."),
    observedGeneration: {
      type: "integer",
      format: "int64",
      description: "The generation that this describes.",
    },
    conditions: {
      type: "array",
      items: CONDITION,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
    },
  },
};

/**
 * Else another request could stand where a machine's must, and the machine would never get a host. A name that is too
 * long, or that no object can have, is hashed: there the beginning has to do. `hostKind`: of a reference without a kind.
 */
const NAMES_OF_CONSUMERS = RESERVED_KINDS.map(({ kind, hostKind }) => {
  const prefix = namePrefix(kind);
  const fits = [
    "has(self.spec.consumerRef) && has(self.spec.consumerRef.name)",
    "(has(self.spec.consumerRef.kind) && self.spec.consumerRef.kind != ''" +
      ` ? self.spec.consumerRef.kind == '${kind}' : self.spec.hostKind == '${hostKind}')`,
    `(self.metadata.name == '${prefix}' + self.spec.consumerRef.name || size(self.spec.consumerRef.name) > 238` +
      " || !self.spec.consumerRef.name.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'))",
  ].join(" && ");
  return {
    rule: `!self.metadata.name.startsWith('${prefix}') || (${fits})`,
    message: `a name that begins with ${prefix} is for the request of the ${kind} of that name: choose another`,
  };
});

const COLUMNS = [
  { name: "Consumer", type: "string", jsonPath: ".spec.consumerRef.name" },
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Host", type: "string", jsonPath: ".status.hostName" },
  { name: "Message", type: "string", jsonPath: ".status.message" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** The CustomResourceDefinition of ClaimRequest, structural, with defaults and transition rules. */
export function claimRequestDefinition(labels: Readonly<Record<string, string>> = {}): KubeObject {
  const { group, version, plural, kind } = CLAIM_REQUESTS;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { ...labels } },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        plural,
        singular: kind.toLowerCase(),
        kind,
        listKind: `${kind}List`,
        shortNames: ["claimreq"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description: "A consumer's place in the queue for a bare-metal host, and its binding to one.",
              "x-kubernetes-validations": NAMES_OF_CONSUMERS,
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                // As long as any name may be: the rules below cost what a name could.
                metadata: { type: "object", properties: { name: { type: "string", maxLength: 253 } } },
                spec: SPEC,
                status: STATUS,
              },
            },
          },
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
        },
      ],
    },
  };
}
