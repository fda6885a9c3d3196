import type { Json } from "../../controlplane/index.ts";
import { lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { APPLY } from "./apply.ts";
import { MERGE } from "./patch.ts";

const JSON_PATCH = "application/json-patch+json";

/** A scenario that begins with an unrecorded widget "a". */
const given = (name: string, run: (s: Scenario, a: Json) => Promise<unknown>): ScenarioCase => ({
  name,
  run: async (s) =>
    void (await run(
      s,
      await s.quietly("POST", widgets(s.namespace), {
        body: widget("a", { color: "red", tags: ["x", "y"] }, { labels: { l: "1" } }),
      }),
    )),
});

const path = (s: Scenario, query = "") => widgets(s.namespace, "a") + query;
const merge = (s: Scenario, body: Json) => s.send("PATCH", path(s), { body, contentType: MERGE });
const jsonPatch = (s: Scenario, ...body: Json[]) =>
  s.send("PATCH", path(s), { body, contentType: JSON_PATCH });
const configMaps = (s: Scenario, name = "") =>
  `/api/v1/namespaces/${s.namespace}/configmaps${name && `/${name}`}`;

/** Requests that a server has to refuse, or to understand in a way of its own. */
export const refusals: ScenarioCase[] = [
  given("a write can't take the metadata or the name away", async (s, a) => {
    await merge(s, { metadata: null });
    await merge(s, { metadata: { name: null } });
    await jsonPatch(s, { op: "remove", path: "/metadata" });
    await jsonPatch(s, { op: "remove", path: "/metadata/name" });
    await s.send("PUT", path(s), { body: { ...a, metadata: { ...a.metadata, name: undefined } } });
    await s.send("GET", path(s));
  }),
  given("a patch can take the namespace and the uid away: they come back", async (s) => {
    await merge(s, { metadata: { namespace: null, uid: null, creationTimestamp: null } });
  }),
  given("a patch of a custom resource must leave it a resourceVersion", async (s) => {
    await merge(s, { metadata: { resourceVersion: "" } });
    await merge(s, { metadata: { resourceVersion: "0" } });
    await merge(s, { metadata: { resourceVersion: null } });
    await jsonPatch(s, { op: "replace", path: "/metadata/resourceVersion", value: "" });
    await jsonPatch(s, { op: "remove", path: "/metadata/resourceVersion" });
    await s.send("PATCH", path(s, "?fieldManager=one"), {
      body: widget("a", { free: { a: 1 } }, { resourceVersion: "0" }),
      contentType: APPLY,
    });
  }),
  {
    name: "a patch of a Lease must leave it a resourceVersion, and one of a ConfigMap need not",
    async run(s) {
      await s.quietly("POST", leases(s.namespace), { body: lease("l", { holderIdentity: "a" }) });
      const body = { metadata: { resourceVersion: null }, spec: { holderIdentity: "b" } };
      await s.send("PATCH", leases(s.namespace, "l"), { body, contentType: MERGE });
      await s.quietly("POST", configMaps(s), { body: { metadata: { name: "a" } } });
      const unbound = { metadata: { resourceVersion: null }, data: { a: "1" } };
      await s.send("PATCH", configMaps(s, "a"), { body: unbound, contentType: MERGE });
    },
  },
  given("a JSON patch counts lists from the end, too, and in any notation of Go's", async (s) => {
    await jsonPatch(s, { op: "test", path: "/spec/tags/-1", value: "y" });
    await jsonPatch(s, { op: "add", path: "/spec/tags/-1", value: "z" });
    await jsonPatch(s, { op: "replace", path: "/spec/tags/-3", value: "first" });
    await jsonPatch(s, { op: "remove", path: "/spec/tags/-1" });
    await jsonPatch(s, { op: "remove", path: "/spec/tags/-9" });
    await jsonPatch(s, { op: "replace", path: "/spec/tags/00", value: "zeros" });
    await jsonPatch(s, { op: "replace", path: "/spec/tags/+1", value: "plus" });
    await jsonPatch(s, { op: "replace", path: "/spec/tags/0x1", value: "hex" });
  }),
  given("a patch must leave a kind", async (s) => {
    await jsonPatch(s, { op: "replace", path: "", value: {} });
    await jsonPatch(s, { op: "replace", path: "", value: { a: 1 } });
  }),
  given("a patch of null", async (s) => {
    await s.send("PATCH", path(s), { body: "null", contentType: JSON_PATCH });
    await s.send("PATCH", path(s), { body: "null", contentType: MERGE });
  }),
  given("an object can be asked for at a version, if there is one", async (s, a) => {
    await s.send("GET", path(s, "?resourceVersion=abc"));
    const known = await s.quietly("GET", path(s, `?resourceVersion=${a.metadata.resourceVersion}`));
    s.note("known", known.metadata.name);
    const { code, headers, json } = await s.target.call("GET", path(s, "?resourceVersion=99999999"));
    const { reason, details } = json();
    s.note("of the future", { code, retryAfter: headers["retry-after"], reason, details });
  }),
  given("options of a delete that make no sense delete nothing", async (s) => {
    await s.send("DELETE", path(s, "?gracePeriodSeconds=abc"));
    await s.send("DELETE", path(s), { body: { apiVersion: "v1", kind: "Other" } });
    await s.send("DELETE", path(s), { body: { orphanDependents: true, propagationPolicy: "Orphan" } });
    await s.send("DELETE", path(s, "?orphanDependents=true&propagationPolicy=Orphan"));
    await s.send("DELETE", path(s), { body: { gracePeriodSeconds: "long" } });
    await s.send("GET", path(s));
  }),
  {
    name: "the items of a deleted collection of a built-in type carry no kind",
    async run(s) {
      await s.quietly("POST", leases(s.namespace), { body: lease("l", {}) });
      await s.send("DELETE", leases(s.namespace));
    },
  },
  given("a field manager is a printable name of 128 bytes at most", async (s, a) => {
    for (const manager of ["x".repeat(129), "%01"]) {
      const query = `?fieldManager=${manager}`;
      await s.send("POST", widgets(s.namespace) + query, { body: widget("b") });
      await s.send("PUT", path(s, query), { body: a });
      await s.send("PATCH", path(s, query), { body: {}, contentType: MERGE });
      await s.send("PATCH", path(s, query), { body: widget("a"), contentType: APPLY });
    }
  }),
  given("annotations have 256 KiB at most", async (s) => {
    const annotations = { big: "x".repeat(256 * 1024) };
    await s.send("POST", widgets(s.namespace), { body: widget("b", {}, { annotations }) });
    await merge(s, { metadata: { annotations } });
  }),
  given("a label has 63 bytes at most", async (s) => {
    const labels = { x: "y".repeat(64) };
    await s.send("POST", widgets(s.namespace), { body: widget("b", {}, { labels }) });
    await merge(s, { metadata: { labels } });
    await s.quietly("POST", leases(s.namespace), { body: lease("l", {}) });
    await s.send("PATCH", leases(s.namespace, "l"), { body: { metadata: { labels } }, contentType: MERGE });
  }),
  given("an Event owns nothing", async (s) => {
    const ownerReferences = [{ apiVersion: "v1", kind: "Event", name: "n", uid: "u" }];
    await s.send("POST", widgets(s.namespace), { body: widget("b", {}, { ownerReferences }) });
    await s.send("POST", leases(s.namespace), { body: lease("l", {}, { ownerReferences }) });
    await merge(s, { metadata: { ownerReferences } });
  }),
  {
    name: "options of a list or watch that make no sense",
    async run(s) {
      await s.send("GET", `${widgets(s.namespace)}?timeoutSeconds=abc`);
      await s.send("GET", `${widgets(s.namespace)}?limit=abc`);
      const match = "resourceVersionMatch=NotOlderThan&resourceVersion=1";
      await s.send("GET", `${widgets(s.namespace)}?${match}&continue=x`);
      await s.send("GET", `${widgets(s.namespace)}?${match}&sendInitialEvents=true`);
      const watch = `${widgets(s.namespace)}?watch=true&timeoutSeconds=1`;
      await s.send("GET", `${watch}&resourceVersionMatch=Exact&resourceVersion=1`);
      await s.send("GET", `${watch}&resourceVersionMatch=NotOlderThan&resourceVersion=1`);
      await s.send("GET", `${watch}&resourceVersionMatch=Nonsense`);
      await s.send("GET", `${watch}&continue=x`);
      await s.send("GET", `${watch}&sendInitialEvents=true&resourceVersionMatch=Exact`);
    },
  },
  {
    name: "an access review is about a resource or about a path",
    async run(s) {
      const reviews = "/apis/authorization.k8s.io/v1";
      const resourceAttributes = { verb: "get", resource: "pods" };
      const nonResourceAttributes = { verb: "get", path: "/healthz" };
      for (const spec of [{}, { resourceAttributes, nonResourceAttributes }]) {
        await s.send("POST", `${reviews}/selfsubjectaccessreviews`, { body: { spec } });
        const body = { spec: { ...spec, user: "somebody" } };
        await s.send("POST", `${reviews}/subjectaccessreviews`, { body });
        await s.send("POST", `${reviews}/subjectaccessreviews`, { body: { spec } });
      }
    },
  },
  {
    name: "a namespace's finalizers are not written with it",
    async run(s) {
      const body = { spec: { finalizers: [] } };
      await s.send("PATCH", `/api/v1/namespaces/${s.namespace}`, { body, contentType: MERGE });
    },
  },
  {
    name: "a ConfigMap's key is in data or in binaryData",
    async run(s) {
      const map = { metadata: { name: "a" }, data: { a: "1" } };
      await s.send("POST", configMaps(s), { body: { ...map, binaryData: { a: "MQ==" } } });
      await s.send("POST", configMaps(s), { body: { ...map, binaryData: { "b/c": "MQ==" } } });
      await s.quietly("POST", configMaps(s), { body: { ...map, immutable: true } });
      for (const change of [{ immutable: false }, { data: { a: "2" } }, { binaryData: { b: "MQ==" } }]) {
        await s.send("PATCH", configMaps(s, "a"), { body: change, contentType: MERGE });
      }
    },
  },
  {
    name: "a Lease's time is told in UTC",
    async run(s) {
      const spec = { holderIdentity: "a", renewTime: "2026-01-01T01:30:00.123456+02:00" };
      const { spec: kept } = await s.quietly("POST", leases(s.namespace), { body: lease("l", spec) });
      s.note("renewTime", [...kept.renewTime].join(" "));
    },
  },
  {
    name: "a Lease has no strategy where coordinated elections are off",
    async run(s) {
      const spec = { holderIdentity: "a", strategy: "X", preferredHolder: "b" };
      await s.send("POST", leases(s.namespace), { body: lease("l", spec) });
    },
  },
];
