import type { Json } from "../../controlplane/index.ts";
import { widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const path = (s: Scenario, plural: string, prefix = "/api/v1") =>
  `${prefix}/namespaces/${s.namespace}/${plural}`;
const LEASES = "/apis/coordination.k8s.io/v1";
const APPS = "/apis/apps/v1";

/** None of it is ever stored. */
const refused = (name: string, to: (s: Scenario) => string, ...bodies: Json[]): ScenarioCase => ({
  name,
  async run(s) {
    for (const body of bodies) await s.send("POST", `${to(s)}?dryRun=All`, { body });
  },
});

const configMap = (more: Json): Json => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a" },
  ...more,
});
const lease = (spec: Json): Json => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "a" },
  spec,
});

/** What clients send by mistake. */
export const bodies: ScenarioCase[] = [
  refused("a body that is no object", (s) => path(s, "configmaps"), [], "x", 1, "null"),
  refused("a custom body that is no object", (s) => widgets(s.namespace), [], 1),
  refused(
    "a custom body without a kind or version",
    (s) => widgets(s.namespace),
    { metadata: { name: "a" } },
    { kind: "Widget", metadata: { name: "a" } },
  ),
  refused(
    "a body of another kind or version",
    (s) => path(s, "configmaps"),
    { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } },
    { apiVersion: "v2", kind: "ConfigMap", metadata: { name: "a" } },
  ),
  refused(
    "metadata of other types",
    (s) => path(s, "configmaps"),
    configMap({ metadata: "a" }),
    configMap({ metadata: { name: 1 } }),
    configMap({ metadata: { name: "a", labels: "x" } }),
    configMap({ metadata: { name: "a", labels: { a: 1 } } }),
    configMap({ metadata: { name: "a", annotations: { a: true } } }),
    configMap({ metadata: { name: "a", finalizers: "x" } }),
  ),
  refused(
    "fields of other types",
    (s) => path(s, "configmaps"),
    configMap({ data: { a: 1 } }),
    configMap({ data: "x" }),
    configMap({ immutable: "yes" }),
  ),
  refused(
    "a Lease's fields of other types",
    (s) => path(s, "leases", LEASES),
    lease({ leaseDurationSeconds: "15" }),
    lease({ holderIdentity: 1 }),
    lease({ holderIdentity: { name: "a" } }),
    lease("x"),
  ),
  refused(
    "a Lease's times in other forms",
    (s) => path(s, "leases", LEASES),
    lease({ renewTime: "yesterday" }),
    lease({ renewTime: "2026-01-02T03:04:05Z" }),
    lease({ renewTime: "2026-01-02T03:04:05.000006" }),
    lease({ renewTime: null }),
  ),
  refused("a Deployment's fields of other types", (s) => path(s, "deployments", APPS), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a" },
    spec: { replicas: "3" },
  }),
];
