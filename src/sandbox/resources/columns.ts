import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, getPath } from "../json.ts";
import { ageSince } from "./age.ts";
import type { Cell, Column } from "./resource.ts";

const at = (object: KubeObject, path: string) => getPath(object, path.split("."));

function column(name: string, cell: Column["cell"], more: Partial<Column> = {}): Column {
  return { name, type: "string", cell, ...more };
}

function text(path: string): Column["cell"] {
  return (object) => {
    const value = at(object, path);
    return value === undefined || value === null || value === "" ? "<none>" : String(value);
  };
}

function count(path: string): Column["cell"] {
  return (object): Cell => {
    const value = at(object, path);
    return Array.isArray(value) ? value.length : Object.keys(asObject(value)).length;
  };
}

const name = column("Name", (object) => object.metadata.name, {
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may " +
    "allow a client to request the generation of an appropriate name automatically. Name is primarily intended " +
    "for creation idempotence and configuration definition. Cannot be updated. More info: " +
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
});
const age = column("Age", (object, nowMs) => ageSince(object.metadata.creationTimestamp, nowMs));
const createdAt = column("Created At", (object) => object.metadata.creationTimestamp ?? null, {
  type: "date",
});
const wide = { priority: 1 };

const roleRef = column("Role", (object) => `${at(object, "roleRef.kind")}/${at(object, "roleRef.name")}`);

function subjects(title: string, kind: string): Column {
  return column(
    title,
    (object) =>
      asArray(object.subjects)
        .map(asObject)
        .filter((subject) => subject.kind === kind)
        .map((subject) => (kind === "ServiceAccount" ? `${subject.namespace}/${subject.name}` : subject.name))
        .join(", "),
    wide,
  );
}

function ports(object: KubeObject): string {
  const shown = asArray(at(object, "spec.ports"))
    .map(asObject)
    .map(({ port, protocol }) => `${port}/${protocol ?? "TCP"}`);
  return shown.length === 0 ? "<none>" : shown.join(",");
}

/** Of the containers of a Deployment's pods. */
function containers(field: string): Column["cell"] {
  return (object) =>
    asArray(at(object, "spec.template.spec.containers"))
      .map((container) => asObject(container)[field])
      .join(",");
}

/** As kubectl prints a selector: `a=b,c=d`. */
function selector(path: string): Column["cell"] {
  return (object) => {
    const pairs = Object.entries(asObject(at(object, path))).map(([key, value]) => `${key}=${value}`);
    return pairs.length === 0 ? "<none>" : pairs.join(",");
  };
}

const number = (path: string) => (object: KubeObject) => Number(at(object, path) ?? 0);
const when = (object: KubeObject) =>
  String(object.lastTimestamp ?? object.eventTime ?? object.metadata.creationTimestamp ?? "");

/** The columns after which the real API server prints built-in kinds, by kind. */
export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  ClusterRole: [name, createdAt],
  ClusterRoleBinding: [
    name,
    roleRef,
    age,
    subjects("Users", "User"),
    subjects("Groups", "Group"),
    subjects("ServiceAccounts", "ServiceAccount"),
  ],
  ConfigMap: [name, column("Data", count("data")), age],
  CustomResourceDefinition: [name, createdAt],
  Deployment: [
    name,
    column("Ready", (o) => `${number("status.readyReplicas")(o)}/${number("spec.replicas")(o)}`),
    column("Up-to-date", number("status.updatedReplicas")),
    column("Available", number("status.availableReplicas")),
    age,
    column("Containers", containers("name"), wide),
    column("Images", containers("image"), wide),
    column("Selector", selector("spec.selector.matchLabels"), wide),
  ],
  Event: [
    column("Last Seen", (object, nowMs) => ageSince(when(object), nowMs)),
    column("Type", (object) => String(object.type ?? "")),
    column("Reason", (object) => String(object.reason ?? "")),
    column(
      "Object",
      (o) => `${String(at(o, "involvedObject.kind")).toLowerCase()}/${at(o, "involvedObject.name")}`,
    ),
    column("Source", (o) => String(at(o, "source.component") ?? o.reportingComponent ?? ""), wide),
    column("Message", (object) => String(object.message ?? "").trim()),
    column("Count", (object) => Number(object.count ?? 1), wide),
    { ...name, ...wide },
  ],
  FlowSchema: [
    name,
    column("PriorityLevel", text("spec.priorityLevelConfiguration.name")),
    column("MatchingPrecedence", number("spec.matchingPrecedence")),
    column("DistinguisherMethod", text("spec.distinguisherMethod.type")),
    age,
  ],
  Lease: [name, column("Holder", (object) => String(at(object, "spec.holderIdentity") ?? "")), age],
  MutatingWebhookConfiguration: [name, column("Webhooks", count("webhooks"), { type: "integer" }), age],
  Namespace: [name, column("Status", text("status.phase")), age],
  NetworkPolicy: [name, column("Pod-Selector", selector("spec.podSelector.matchLabels")), age],
  Pod: [
    name,
    column("Ready", (o) => {
      const ready = asArray(at(o, "status.containerStatuses")).filter(
        (each) => asObject(each).ready === true,
      );
      return `${ready.length}/${asArray(at(o, "spec.containers")).length}`;
    }),
    column("Status", (o) => (o.metadata.deletionTimestamp ? "Terminating" : text("status.phase")(o, 0))),
    column("Restarts", () => "0"),
    age,
    column("IP", text("status.podIP"), wide),
    column("Node", text("spec.nodeName"), wide),
  ],
  PodDisruptionBudget: [
    name,
    column("Min Available", (o) => String(at(o, "spec.minAvailable") ?? "N/A")),
    column("Max Unavailable", (o) => String(at(o, "spec.maxUnavailable") ?? "N/A")),
    column("Allowed Disruptions", number("status.disruptionsAllowed"), { type: "integer" }),
    age,
  ],
  PriorityLevelConfiguration: [name, column("Type", text("spec.type")), age],
  Role: [name, createdAt],
  RoleBinding: [
    name,
    roleRef,
    age,
    subjects("Users", "User"),
    subjects("Groups", "Group"),
    subjects("ServiceAccounts", "ServiceAccount"),
  ],
  Secret: [name, column("Type", text("type")), column("Data", count("data")), age],
  Service: [
    name,
    column("Type", text("spec.type")),
    column("Cluster-IP", text("spec.clusterIP")),
    column("External-IP", () => "<none>"),
    column("Port(s)", ports),
    age,
    column("Selector", selector("spec.selector"), wide),
  ],
  ServiceAccount: [name, age],
  ValidatingWebhookConfiguration: [name, column("Webhooks", count("webhooks"), { type: "integer" }), age],
};

export const NAME_COLUMN = name;
export const AGE_COLUMN = age;
