import type { Json } from "../../controlplane/index.ts";
import { GROUP, widgets } from "../objects.ts";
import type { ScenarioCase } from "../scenario.ts";

/** What the service and its tests use of the built-in groups. */
const USED: Record<string, string[]> = {
  "/api/v1": ["namespaces", "events", "secrets", "serviceaccounts", "serviceaccounts/token", "pods"],
  "/apis/coordination.k8s.io/v1": ["leases"],
  "/apis/apiextensions.k8s.io/v1": ["customresourcedefinitions", "customresourcedefinitions/status"],
  "/apis/admissionregistration.k8s.io/v1": [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
  ],
  "/apis/authentication.k8s.io/v1": ["tokenreviews", "selfsubjectreviews"],
  "/apis/authorization.k8s.io/v1": ["subjectaccessreviews", "selfsubjectaccessreviews"],
  "/apis/rbac.authorization.k8s.io/v1": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
};

const BINDINGS = {
  accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
};

export const discovery: ScenarioCase[] = [
  {
    name: "the versions and groups are listed",
    async run(s) {
      const { versions, kind } = await s.quietly("GET", "/api");
      s.note("/api", { kind, versions });
      const { groups } = await s.quietly("GET", "/apis");
      const wanted = Object.keys(USED).map((path) => path.split("/")[2]);
      s.note(
        "/apis",
        groups
          .filter(({ name }: Json) => wanted.includes(name) || name === GROUP)
          .map(({ name }: Json) => name)
          .sort(),
      );
    },
  },
  {
    name: "the resources of a group are described with their verbs",
    async run(s) {
      for (const [path, names] of Object.entries(USED)) {
        const { resources, ...list } = await s.quietly("GET", path);
        const described = names.map((name) => {
          const { storageVersionHash: _, ...found } =
            resources.find((resource: Json) => resource.name === name) ?? {};
          return found;
        });
        s.note(path, { ...list, resources: described });
      }
    },
  },
  {
    name: "aggregated discovery has every group and its resources",
    async run(s) {
      for (const path of ["/api", "/apis"]) {
        const { kind, apiVersion, items } = await s.quietly("GET", path, { headers: BINDINGS });
        const group = items.find(
          ({ metadata }: Json) => (metadata.name ?? "") === (path === "/api" ? "" : GROUP),
        );
        const [version] = group.versions;
        s.note(path, {
          kind,
          apiVersion,
          version: version.version,
          resource: version.resources.find(
            ({ resource }: Json) => resource === (path === "/api" ? "namespaces" : "widgets"),
          ),
        });
      }
    },
  },
  {
    name: "paths that lead nowhere",
    async run(s) {
      await s.send("GET", "/apis/none.example.com/v1");
      await s.send("GET", `/apis/none.example.com/v1/namespaces/${s.namespace}/nones`);
      await s.send("GET", `/apis/${GROUP}/v9/namespaces/${s.namespace}/widgets`);
      await s.send("GET", `/apis/${GROUP}/v1/namespaces/${s.namespace}/nones`);
      await s.send("GET", `/api/v1/namespaces/${s.namespace}/nones`);
      await s.send("GET", "/nonsense");
    },
  },
  {
    name: "methods that a path doesn't take",
    async run(s) {
      await s.send("POST", widgets(s.namespace, "a"), { body: {} });
      await s.send("PUT", widgets(s.namespace), { body: {} });
      await s.send("PATCH", widgets(s.namespace), { body: {}, contentType: "application/merge-patch+json" });
    },
  },
  {
    name: "health is told in a word",
    async run(s) {
      for (const path of ["/healthz", "/livez", "/readyz"]) await s.send("GET", path);
      const { gitVersion } = await s.quietly("GET", "/version");
      s.note("the version can be read", /^v1\.\d+\.\d+/.test(gitVersion));
    },
  },
];
