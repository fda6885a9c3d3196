import type { Json } from "../../controlplane/index.ts";
import { GROUP, lease, leases, widget, widgets } from "../objects.ts";
import { register, webhook } from "../registration.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { type Hook, patched, startWebhookServer, type WebhookServer } from "../webhook-server.ts";
import { APPLY } from "./apply.ts";
import { MERGE } from "./patch.ts";

/** A scenario with a webhook server of its own. */
export const hooked = (
  name: string,
  run: (s: Scenario, server: WebhookServer) => Promise<unknown>,
): ScenarioCase => ({
  name,
  async run(s) {
    const server = await startWebhookServer();
    s.defer(() => server.close());
    await run(s, server);
  },
});

export const allow: Hook = () => ({ allowed: true });
const path = (s: Scenario) => widgets(s.namespace, "a");
const everything = (resources: string[]) => ({
  rules: [{ apiGroups: [GROUP], apiVersions: ["v1"], resources, operations: ["*"] }],
});

/** A webhook that allows, on every operation, at both doors; notes what the validating one was asked. */
const asked = (name: string, resources: string[], run: (s: Scenario) => Promise<unknown>): ScenarioCase =>
  hooked(name, async (s, server) => {
    server.hook("/seen", allow);
    await register(s, server, "validating", [webhook(s, server, "seen", everything(resources))]);
    await run(s);
    for (const request of server.requests("/seen")) s.note("asked", request);
  });

export const admission: ScenarioCase[] = [
  asked("a review of a create has the object, no old one, and who asks", ["widgets"], (s) =>
    s.settled("POST", `${widgets(s.namespace)}?fieldManager=me`, { body: widget("a") }),
  ),
  asked("reviews of updates and patches have the old object and the new", ["widgets"], async (s) => {
    const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    await s.settled("PUT", path(s), { body: { ...a, spec: { color: "blue" } } });
    await s.settled("PATCH", path(s), { body: { spec: { size: 9 } }, contentType: MERGE });
    await s.settled("PATCH", `${path(s)}?fieldManager=me&force=true`, {
      body: widget("a", { color: "green" }),
      contentType: APPLY,
    });
  }),
  asked("an update that changes nothing is reviewed too", ["widgets"], async (s) => {
    const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    await s.settled("PUT", path(s), { body: a });
  }),
  asked("a review of a delete has the old object only", ["widgets"], async (s) => {
    await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    await s.quietly("DELETE", path(s));
  }),
  asked("the end of a held object is an update", ["widgets"], async (s) => {
    const metadata = { finalizers: ["conformance.beskar7.io/hold"] };
    await s.settled("POST", widgets(s.namespace), { body: widget("a", {}, metadata) });
    await s.settled("DELETE", path(s));
    await s.quietly("PATCH", path(s), { body: { metadata: { finalizers: null } }, contentType: MERGE });
  }),
  asked("status is reviewed by those who ask for it", ["widgets/status"], async (s) => {
    const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    await s.settled("PUT", `${path(s)}/status`, { body: { ...a, status: { phase: "P" } } });
  }),
  asked("a create with generateName is reviewed with its name", ["widgets"], async (s) => {
    const body = widget("", {}, { generateName: "gen-", name: undefined });
    const { metadata } = await s.settled("POST", widgets(s.namespace), { body });
    s.mask(metadata.name, "<generated>");
  }),
  asked("a dry run says that it is one", ["widgets"], async (s) => {
    await s.send("POST", `${widgets(s.namespace)}?dryRun=All`, { body: widget("a") });
  }),
  hooked("a deleted collection is reviewed object by object", async (s, server) => {
    for (const name of ["a", "b"]) await s.settled("POST", widgets(s.namespace), { body: widget(name) });
    server.hook("/seen", allow);
    await register(s, server, "validating", [webhook(s, server, "seen", everything(["*"]))]);
    await s.quietly("DELETE", widgets(s.namespace));
    s.note(
      "asked",
      server
        .requests("/seen")
        .map(({ operation, name }) => `${operation} ${name}`)
        .sort(),
    );
  }),
  hooked("a review tells the pod of who asks", async (s, server) => {
    const token = await s.target.podToken(s.namespace, "worker", "worker-0");
    await s.quietly("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      body: {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: s.namespace },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
        subjects: [{ kind: "ServiceAccount", namespace: s.namespace, name: "worker" }],
      },
    });
    server.hook("/seen", allow);
    await register(s, server, "validating", [webhook(s, server, "seen")]);
    while ((await s.target.call("POST", widgets(s.namespace), { body: widget("a"), token })).code === 403) {}
    s.note("user", server.requests("/seen")[0]?.userInfo);
  }),
  hooked("built-in types are reviewed as well", async (s, server) => {
    server.hook("/seen", () => ({
      allowed: false,
      status: { code: 409, reason: "Conflict", message: "no" },
    }));
    const rules = [
      {
        apiGroups: ["coordination.k8s.io"],
        apiVersions: ["v1"],
        resources: ["leases"],
        operations: ["CREATE"],
      },
    ];
    await register(s, server, "validating", [webhook(s, server, "seen", { rules })]);
    await s.send("POST", leases(s.namespace), { body: lease("l", { holderIdentity: "me" }) });
    for (const request of server.requests("/seen")) s.note("asked", request);
  }),
  hooked("rules choose by operation and resource", async (s, server) => {
    const rule = (more: Json) => ({
      rules: [
        { apiGroups: [GROUP], apiVersions: ["v1"], resources: ["widgets"], operations: ["*"], ...more },
      ],
    });
    const hooks = {
      creates: rule({ operations: ["CREATE"] }),
      updates: rule({ operations: ["UPDATE"] }),
      status: rule({ resources: ["widgets/status"] }),
      all: rule({ resources: ["*/*"] }),
      cluster: rule({ scope: "Cluster" }),
      version: rule({ apiVersions: ["v2"] }),
    };
    for (const name of Object.keys(hooks)) server.hook(`/${name}`, allow);
    const all = Object.entries(hooks).map(([name, more]) => webhook(s, server, name, more));
    await register(s, server, "validating", all);
    const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    const b = await s.settled("PUT", path(s), { body: { ...a, spec: { color: "blue" } } });
    await s.settled("PUT", `${path(s)}/status`, { body: { ...b, status: { phase: "P" } } });
    await s.quietly("DELETE", path(s));
    for (const name of Object.keys(hooks)) {
      s.note(
        name,
        server.requests(`/${name}`).map((r) => [r.operation, r.subResource].filter(Boolean).join(" ")),
      );
    }
  }),
  hooked("object selectors look at the old object too", async (s, server) => {
    server.hook("/seen", allow);
    const objectSelector = { matchLabels: { team: "x" } };
    await register(s, server, "validating", [webhook(s, server, "seen", { objectSelector })]);
    const a = await s.settled("POST", widgets(s.namespace), {
      body: widget("a", {}, { labels: { team: "y" } }),
    });
    const label = (team: string | null) =>
      s.settled("PATCH", path(s), { body: { metadata: { labels: { team } } }, contentType: MERGE });
    for (const team of ["x", "y", "z"]) await label(team);
    s.note("first asked of", a.metadata.name);
    s.note(
      "asked",
      server.requests("/seen").map((r) => [r.oldObject?.metadata.labels.team, r.object.metadata.labels.team]),
    );
  }),
  hooked(
    "patches are applied in order of the configurations' names and then of the list",
    async (s, server) => {
      const append =
        (letter: string): Hook =>
        (request) =>
          patched([
            request.object.spec.tags
              ? { op: "add", path: "/spec/tags/-", value: letter }
              : { op: "add", path: "/spec/tags", value: [letter] },
          ]);
      for (const letter of ["p", "q", "r"]) server.hook(`/${letter}`, append(letter));
      server.hook("/validate", allow);
      await register(s, server, "validating", [webhook(s, server, "validate")]);
      await register(s, server, "mutating", [webhook(s, server, "r"), webhook(s, server, "p")], "z");
      await register(s, server, "mutating", [webhook(s, server, "q")], "a");
      await s.send("POST", widgets(s.namespace), { body: widget("a") });
      s.note("validated", server.requests("/validate")[0]?.object.spec);
    },
  ),
  hooked("what a patch makes is pruned, defaulted and checked like any other object", async (s, server) => {
    const operations = {
      good: [{ op: "add", path: "/spec/none", value: 1 }],
      bad: [{ op: "add", path: "/spec/size", value: 999 }],
    };
    server.hook("/mutate", ({ name }) => patched(operations[name as keyof typeof operations]));
    await register(s, server, "mutating", [webhook(s, server, "mutate")]);
    await s.send("POST", widgets(s.namespace), { body: widget("good") });
    await s.send("POST", widgets(s.namespace), { body: widget("bad") });
  }),
  hooked(
    "a webhook is asked again when a later one changed the object, if it so wishes",
    async (s, server) => {
      server.hook("/first", allow);
      server.hook("/never", allow);
      server.hook("/second", () =>
        patched([{ op: "add", path: "/metadata/annotations", value: { second: "was here" } }]),
      );
      await register(s, server, "mutating", [
        webhook(s, server, "first", { reinvocationPolicy: "IfNeeded" }),
        webhook(s, server, "never", { reinvocationPolicy: "Never" }),
        webhook(s, server, "second", { reinvocationPolicy: "IfNeeded" }),
      ]);
      await s.send("POST", widgets(s.namespace), { body: widget("a") });
      for (const name of ["first", "never", "second"]) {
        s.note(
          name,
          server.requests(`/${name}`).map(({ object }) => object.metadata.annotations ?? null),
        );
      }
    },
  ),
  hooked("a stale write is seen by the mutating webhook and not by the validating one", async (s, server) => {
    const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
    await s.settled("PUT", path(s), { body: { ...a, spec: { color: "blue" } } });
    for (const name of ["mutate", "validate"]) server.hook(`/${name}`, allow);
    await register(s, server, "mutating", [webhook(s, server, "mutate")]);
    await register(s, server, "validating", [webhook(s, server, "validate")]);
    await s.send("PUT", path(s), { body: { ...a, spec: { color: "green" } } });
    s.note("asked", [server.requests("/mutate").length, server.requests("/validate").length]);
    const [seen] = server.requests("/mutate");
    s.note("versions", {
      named: seen.object.metadata.resourceVersion === a.metadata.resourceVersion,
      same: seen.oldObject.metadata.resourceVersion === a.metadata.resourceVersion,
    });
  }),
  hooked(
    "a patch without a resourceVersion is reviewed with the one that it will be checked by",
    async (s, server) => {
      const a = await s.settled("POST", widgets(s.namespace), { body: widget("a") });
      server.hook("/validate", allow);
      await register(s, server, "validating", [webhook(s, server, "validate")]);
      await s.settled("PATCH", path(s), { body: { spec: { color: "blue" } }, contentType: MERGE });
      const [{ object, oldObject }] = server.requests("/validate") as [Json];
      const version = a.metadata.resourceVersion;
      s.note("same", [
        object.metadata.resourceVersion === version,
        oldObject.metadata.resourceVersion === version,
      ]);
    },
  ),
];
