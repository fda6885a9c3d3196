import type { Json } from "../../controlplane/index.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const TABLE = { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } };
/** They grow. */
const AGES = ["Age", "Last Seen"];
const CONTAINER = { name: "c", image: "registry.example/app:1.2" };

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** By name. */
  readonly objects: Readonly<Record<string, Json>>;
}

function collection(s: Scenario, { apiVersion, plural }: Kind): string {
  const prefix = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${prefix}/namespaces/${s.namespace}/${plural}`;
}

/** As stored, and as kubectl prints it: the cells of every object, but for ages. */
const prints = (kind: Kind): ScenarioCase => ({
  name: `a table of ${kind.kind}s has the columns that people know, and objects have their defaults`,
  async run(s) {
    for (const [name, more] of Object.entries(kind.objects)) {
      const body = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name }, ...more };
      const made = await s.quietly("POST", collection(s, kind), { body });
      // Addresses are given by turns, and there is no network here to give them in.
      delete made.spec?.clusterIP;
      delete made.spec?.clusterIPs;
      s.note(`${name} as stored`, made);
    }
    const { columnDefinitions, rows } = await s.quietly("GET", collection(s, kind), TABLE);
    const names: string[] = columnDefinitions.map(({ name }: Json) => name);
    const shown = (cells: Json[]) =>
      Object.fromEntries(names.flatMap((name, i) => (AGES.includes(name) ? [] : [[name, cells[i]]])));
    for (const { cells } of rows) {
      const row = shown(cells);
      if (kind.kind === "Service") delete row["Cluster-IP"];
      s.note("row", row);
    }
  },
});

const involving = (name: string) => ({ involvedObject: { kind: "PhysicalHost", namespace: "NS", name } });

export const tables: ScenarioCase[] = [
  prints({
    apiVersion: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    objects: { empty: {}, full: { data: { a: "1", b: "2" } } },
  }),
  prints({
    apiVersion: "v1",
    kind: "Service",
    plural: "services",
    objects: {
      headless: { spec: { clusterIP: "None", selector: { app: "a", tier: "web" } } },
      ported: {
        spec: {
          selector: { app: "a" },
          ports: [
            { name: "a", port: 80 },
            { name: "b", port: 53, protocol: "UDP", targetPort: "dns" },
          ],
        },
      },
    },
  }),
  prints({
    apiVersion: "apps/v1",
    kind: "Deployment",
    plural: "deployments",
    objects: {
      plain: {
        spec: {
          selector: { matchLabels: { app: "a" } },
          template: {
            metadata: { labels: { app: "a" } },
            spec: {
              serviceAccountName: "runner",
              containers: [
                { ...CONTAINER, ports: [{ containerPort: 80 }] },
                { name: "latest", image: "app:latest" },
                { name: "untagged", image: "registry.example:5000/app" },
              ],
            },
          },
        },
      },
      recreated: {
        spec: {
          replicas: 3,
          strategy: { type: "Recreate" },
          selector: { matchLabels: { app: "b", tier: "web" } },
          template: { metadata: { labels: { app: "b", tier: "web" } }, spec: { containers: [CONTAINER] } },
        },
      },
    },
  }),
  prints({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    plural: "leases",
    objects: { free: {}, held: { spec: { holderIdentity: "pod-a_1" } } },
  }),
  prints({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    objects: {
      least: { spec: { minAvailable: 1, selector: { matchLabels: { app: "a" } } } },
      most: { spec: { maxUnavailable: "50%", selector: {} } },
    },
  }),
  prints({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    objects: {
      all: { spec: { podSelector: {} } },
      some: { spec: { podSelector: { matchLabels: { app: "a" } }, egress: [] } },
    },
  }),
  prints({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    plural: "rolebindings",
    objects: {
      everybody: {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [
          { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "ann" },
          { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "bob" },
          { kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "ops" },
          { kind: "ServiceAccount", namespace: "tools", name: "robot" },
        ],
      },
      nobody: { roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "edit" } },
    },
  }),
  {
    name: "a role binding keeps its role",
    async run(s) {
      const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${s.namespace}/rolebindings`;
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "a" };
      const body = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", roleRef };
      const made = await s.quietly("POST", path, { body: { ...body, metadata: { name: "b" } } });
      await s.send("PUT", `${path}/b`, { body: { ...made, roleRef: { ...roleRef, name: "other" } } });
    },
  },
  {
    name: "a table of Events tells of what, by whom and how often",
    async run(s) {
      const path = `/api/v1/namespaces/${s.namespace}/events`;
      const about = { ...involving("h1"), apiVersion: "v1", kind: "Event" };
      about.involvedObject.namespace = s.namespace;
      await s.quietly("POST", path, { body: { ...about, metadata: { name: "bare" } } });
      const told = { reason: "Bound", message: " said so \n", type: "Normal", count: 3 };
      const by = { source: { component: "coordinator" }, lastTimestamp: "2026-01-02T03:04:05Z" };
      await s.quietly("POST", path, { body: { ...about, ...told, ...by, metadata: { name: "told" } } });
      const { columnDefinitions, rows } = await s.quietly("GET", path, TABLE);
      const wanted = ["Type", "Reason", "Object", "Message", "Name"];
      for (const { cells } of rows) {
        const row = columnDefinitions.map(({ name }: Json, i: number) => [name, cells[i]]);
        s.note("row", Object.fromEntries(row.filter(([name]: [string]) => wanted.includes(name))));
      }
    },
  },
  {
    name: "a Deployment's scale can be read",
    async run(s) {
      const path = `/apis/apps/v1/namespaces/${s.namespace}/deployments`;
      const labels = { app: "a", tier: "web" };
      const spec = {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [CONTAINER] } },
      };
      await s.quietly("POST", path, {
        body: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec },
      });
      await s.send("GET", `${path}/d/scale`);
    },
  },
];
