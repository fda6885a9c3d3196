import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, isObject, type JsonObject } from "../json.ts";

/** Sets the fields that are absent. */
function fill(target: JsonObject | KubeObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) target[key] ??= value;
}

function child(parent: JsonObject, key: string): JsonObject {
  if (!isObject(parent[key])) parent[key] = {};
  return parent[key] as JsonObject;
}

/** Typed maps are not written when they are empty. */
function dropEmpty(object: KubeObject, fields: readonly string[]): void {
  for (const field of fields) {
    const value = object[field];
    if (isObject(value) && Object.keys(value).length === 0) delete object[field];
  }
}

function defaultWebhooks(object: KubeObject, more: JsonObject): void {
  for (const webhook of asArray(object.webhooks).map(asObject)) {
    fill(webhook, {
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...more,
    });
    for (const rule of asArray(webhook.rules).map(asObject)) fill(rule, { scope: "*" });
    const service = asObject(webhook.clientConfig).service;
    if (isObject(service)) fill(service, { port: 443 });
  }
}

function defaultPodSpec(spec: JsonObject): void {
  for (const container of asArray(spec.containers).map(asObject)) {
    const tag = /:([^/]*)$/.exec(String(container.image ?? ""))?.[1];
    fill(container, {
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: tag === undefined || tag === "latest" ? "Always" : "IfNotPresent",
    });
    for (const port of asArray(container.ports).map(asObject)) fill(port, { protocol: "TCP" });
  }
  if (spec.serviceAccountName !== undefined) fill(spec, { serviceAccount: spec.serviceAccountName });
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
}

/** The defaulting of the built-in kinds, in place and idempotent. */
export const DEFAULTS: Readonly<Record<string, (object: KubeObject) => void>> = {
  ClusterRoleBinding: defaultBinding,
  ConfigMap: (object) => dropEmpty(object, ["data", "binaryData"]),
  CustomResourceDefinition(object) {
    const spec = child(object, "spec");
    const names = child(spec, "names");
    const kind = String(names.kind ?? "");
    fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    fill(spec, { conversion: { strategy: "None" } });
    const versions = asArray(spec.versions).map(asObject);
    const stored = versions.filter((version) => version.storage === true).map((version) => version.name);
    object.status ??= { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions: stored };
  },
  Deployment(object) {
    const spec = child(object, "spec");
    fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = child(spec, "strategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy.type === "RollingUpdate") {
      fill(child(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
    }
    defaultPodSpec(child(child(spec, "template"), "spec"));
    object.status ??= {};
  },
  Event(object) {
    // Typed fields that are written even when they are empty.
    fill(object, {
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: "",
      reportingInstance: "",
    });
  },
  Lease(object) {
    const spec = child(object, "spec");
    for (const field of ["acquireTime", "renewTime"]) {
      if (typeof spec[field] === "string") spec[field] = inUtc(spec[field]);
    }
    // Coordinated elections, whose fields these are, are off unless asked for.
    for (const field of ["strategy", "preferredHolder"]) delete spec[field];
  },
  MutatingWebhookConfiguration: (object) => defaultWebhooks(object, { reinvocationPolicy: "Never" }),
  Namespace(object) {
    const labels = child(object.metadata as unknown as JsonObject, "labels");
    if (object.metadata.name) labels["kubernetes.io/metadata.name"] = object.metadata.name;
    object.spec ??= { finalizers: ["kubernetes"] };
    object.status ??= { phase: "Active" };
  },
  NetworkPolicy(object) {
    const spec = child(object, "spec");
    // Typed lists are not written when they are empty.
    for (const field of ["ingress", "egress"]) if (asArray(spec[field]).length === 0) delete spec[field];
    fill(spec, { policyTypes: spec.egress === undefined ? ["Ingress"] : ["Ingress", "Egress"] });
  },
  Pod(object) {
    const spec = child(object, "spec");
    defaultPodSpec(spec);
    fill(spec, { enableServiceLinks: true, preemptionPolicy: "PreemptLowerPriority", priority: 0 });
    object.status ??= { phase: "Pending", qosClass: "BestEffort" };
  },
  PodDisruptionBudget(object) {
    object.status ??= { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  RoleBinding: defaultBinding,
  Secret(object) {
    if (isObject(object.stringData)) {
      const data = child(object, "data");
      for (const [key, value] of Object.entries(object.stringData)) {
        data[key] = Buffer.from(String(value)).toString("base64");
      }
      delete object.stringData;
    }
    object.type ??= "Opaque";
    dropEmpty(object, ["data"]);
  },
  Service(object) {
    const spec = child(object, "spec");
    for (const port of asArray(spec.ports).map(asObject)) {
      fill(port, { protocol: "TCP" });
      fill(port, { targetPort: port.port });
    }
    fill(spec, {
      type: "ClusterIP",
      sessionAffinity: "None",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
    });
    object.status ??= { loadBalancer: {} };
  },
  ValidatingWebhookConfiguration: (object) => defaultWebhooks(object, {}),
};

/** A micro-time as Go writes it. */
function inUtc(time: string): string {
  const [, seconds, micros, offset] = /^(.+)(\.\d{6})([+-]\d\d:\d\d)$/.exec(time) ?? [];
  if (seconds === undefined) return time;
  return `${new Date(seconds + offset).toISOString().slice(0, 19)}${micros}Z`;
}

function defaultBinding(object: KubeObject): void {
  fill(child(object, "roleRef"), { apiGroup: "rbac.authorization.k8s.io" });
  for (const subject of asArray(object.subjects).map(asObject)) {
    if (subject.kind !== "ServiceAccount") fill(subject, { apiGroup: "rbac.authorization.k8s.io" });
  }
}
