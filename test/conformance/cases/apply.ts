import type { Json } from "../../controlplane/index.ts";
import { GROUP, lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { MERGE } from "./patch.ts";

export const APPLY = "application/apply-patch+yaml";

/** A scenario whose transcript shows managedFields. */
const owned = (name: string, run: (s: Scenario) => Promise<unknown>): ScenarioCase => ({
  name,
  async run(s) {
    s.keepManagedFields();
    await run(s);
  },
});

const applyAs = (s: Scenario, manager: string, spec: Json, query = "", metadata: Json = {}) =>
  s.send("PATCH", `${widgets(s.namespace, "a")}?fieldManager=${manager}${query}`, {
    body: widget("a", spec, metadata),
    contentType: APPLY,
  });

export const apply: ScenarioCase[] = [
  owned("apply creates what isn't there, and records who owns which field", (s) =>
    applyAs(s, "one", { color: "red", tags: ["x"], ports: [{ name: "http", number: 80 }] }, "", {
      labels: { l: "1" },
      annotations: { "a/b": "c" },
      finalizers: ["conformance.beskar7.io/hold"],
    }),
  ),
  owned("apply of the same changes nothing", async (s) => {
    await applyAs(s, "one", { color: "red" });
    await applyAs(s, "one", { color: "red" });
  }),
  owned("a field that its owner no longer names is removed", async (s) => {
    await applyAs(s, "one", { color: "red", size: 4, tags: ["x", "y"] });
    await applyAs(s, "one", { tags: ["y"] });
  }),
  owned("a list that its owner no longer names is removed", async (s) => {
    await applyAs(s, "one", { color: "red", ports: [{ name: "http", number: 80 }] });
    await applyAs(s, "one", { color: "red" });
  }),
  owned("a set that its owner no longer names is removed", async (s) => {
    await applyAs(s, "one", { color: "red", tags: ["x", "y"] });
    await applyAs(s, "one", { color: "red" });
  }),
  owned("an open map that its owner no longer names is removed, and one inside it", async (s) => {
    await applyAs(s, "one", { color: "red", free: { a: { b: { c: 1 } }, d: 1 } });
    await applyAs(s, "one", { color: "red", free: { d: 1 } });
    await applyAs(s, "one", { color: "red" });
  }),
  owned(
    "labels that their owner no longer names are removed, and so is all when it names nothing",
    async (s) => {
      await applyAs(s, "one", { tags: ["x"], consumerRef: { name: "c" } }, "", {
        labels: { l: "1" },
        finalizers: ["conformance.beskar7.io/hold"],
      });
      await applyAs(s, "one", {});
      await s.send("PATCH", `${widgets(s.namespace, "a")}?fieldManager=one`, {
        body: { ...widget("a"), spec: undefined },
        contentType: APPLY,
      });
    },
  ),
  owned("what others have in a dropped map or list stays", async (s) => {
    const ports = (name: string) => [{ name, number: 1 }];
    await applyAs(s, "one", {
      tags: ["x"],
      ports: ports("http"),
      free: { a: { b: 1 } },
      consumerRef: { kind: "k" },
    });
    await applyAs(s, "two", {
      tags: ["y"],
      ports: ports("dns"),
      free: { a: { c: 1 } },
      consumerRef: { name: "n" },
    });
    await applyAs(s, "one", { color: "red" });
    await applyAs(s, "two", { color: "red" });
  }),
  owned(
    "what a patch put into a dropped list stays, but a dropped open map with it is refused",
    async (s) => {
      const path = `${widgets(s.namespace, "a")}?fieldManager=patcher`;
      const free = { a: { b: 1 } };
      await applyAs(s, "one", { tags: ["x"], free });
      const body = { spec: { tags: ["x", "y"], free: { a: { c: 1 } } } };
      await s.quietly("PATCH", path, { body, contentType: MERGE });
      await applyAs(s, "one", { free });
      await applyAs(s, "one", { color: "red" });
    },
  ),
  owned("a ConfigMap and a Lease lose what their owner no longer names", async (s) => {
    const maps = `/api/v1/namespaces/${s.namespace}/configmaps/c?fieldManager=one`;
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } };
    await s.send("PATCH", maps, { body: { ...map, data: { a: "1" } }, contentType: APPLY });
    await s.send("PATCH", maps, { body: map, contentType: APPLY });
    const path = `${leases(s.namespace, "l")}?fieldManager=one`;
    const labels = { l: "1" };
    await s.send("PATCH", path, {
      body: lease("l", { holderIdentity: "me" }, { labels }),
      contentType: APPLY,
    });
    await s.send("PATCH", path, { body: lease("l", {}), contentType: APPLY });
  }),
  owned("a value of another manager is a Conflict that names the field", async (s) => {
    await applyAs(s, "one", { color: "red", size: 4 });
    await applyAs(s, "two", { color: "blue", size: 5 });
  }),
  owned("force takes a field over", async (s) => {
    await applyAs(s, "one", { color: "red", size: 4 });
    await applyAs(s, "two", { color: "blue" }, "&force=true");
    await applyAs(s, "one", { size: 4 });
  }),
  owned("two managers share a field of one value, and it stays until both let go", async (s) => {
    await applyAs(s, "one", { color: "red", size: 2 });
    await applyAs(s, "two", { color: "red", size: 3 }, "&force=true");
    await applyAs(s, "one", {});
    await applyAs(s, "two", {});
  }),
  owned("sets and maps in lists are owned item by item", async (s) => {
    await applyAs(s, "one", { tags: ["x"], ports: [{ name: "http", number: 80 }] });
    await applyAs(s, "two", { tags: ["y"], ports: [{ name: "dns", number: 53 }] });
    await applyAs(s, "one", {});
  }),
  owned("an update takes fields away from their applier", async (s) => {
    await applyAs(s, "one", { color: "red", size: 4 });
    const a = await s.quietly("GET", widgets(s.namespace, "a"));
    await s.send("PUT", `${widgets(s.namespace, "a")}?fieldManager=editor`, {
      body: { ...a, spec: { ...a.spec, color: "green" } },
    });
    await applyAs(s, "one", { color: "red", size: 4 });
  }),
  owned("creates, patches and status writes are recorded for their managers", async (s) => {
    await s.quietly("POST", `${widgets(s.namespace)}?fieldManager=creator`, {
      body: widget("a", { color: "red" }),
    });
    await s.quietly("PATCH", `${widgets(s.namespace, "a")}?fieldManager=patcher`, {
      body: { metadata: { labels: { l: "1" } }, spec: { free: { deep: { er: 1 } } } },
      contentType: MERGE,
    });
    await s.send("PATCH", `${widgets(s.namespace, "a")}/status?fieldManager=status-writer`, {
      body: { status: { phase: "P" } },
      contentType: MERGE,
    });
  }),
  owned("without a field manager the user agent is recorded", async (s) => {
    const headers = { "user-agent": "my-tool/v1.2 (linux)" };
    await s.send("POST", widgets(s.namespace), { body: widget("a", { color: "red" }), headers });
  }),
  owned("status is applied at its own door", async (s) => {
    await applyAs(s, "one", { color: "red" });
    await s.send("PATCH", `${widgets(s.namespace, "a")}/status?fieldManager=two`, {
      body: { ...widget("a"), spec: undefined, status: { phase: "P" } },
      contentType: APPLY,
    });
  }),
  owned("managedFields can be cleared", async (s) => {
    await applyAs(s, "one", { color: "red" });
    await s.send("PATCH", widgets(s.namespace, "a"), {
      body: { metadata: { managedFields: [{}] } },
      contentType: MERGE,
    });
  }),
  owned("a Lease is applied", async (s) => {
    await s.send("PATCH", `${leases(s.namespace, "l")}?fieldManager=one`, {
      body: lease("l", { holderIdentity: "me", leaseDurationSeconds: 15 }),
      contentType: APPLY,
    });
  }),
  {
    name: "apply needs a field manager",
    run: async (s) =>
      void (await s.send("PATCH", widgets(s.namespace, "a"), { body: widget("a"), contentType: APPLY })),
  },
  {
    name: "force is for apply only",
    run: async (s) =>
      void (await s.send("PATCH", `${widgets(s.namespace, "a")}?force=true`, {
        body: {},
        contentType: MERGE,
      })),
  },
  {
    name: "what is applied must fit the schema",
    async run(s) {
      await applyAs(s, "one", { color: "pink" });
      await applyAs(s, "one", { size: "large" });
      await applyAs(s, "one", { nope: 1 });
    },
  },
  {
    name: "what is applied must tell the items of its lists apart",
    async run(s) {
      const port = { name: "p", number: 1 };
      await applyAs(s, "one", { ports: [port, { ...port, number: 2 }] });
      await applyAs(s, "one", { ports: [port, { number: 2 }] });
      await applyAs(s, "one", { tags: ["x", "x"] });
    },
  },
  {
    name: "what is applied must have kind, version and the path's name",
    async run(s) {
      const send = (body: Json) =>
        s.send("PATCH", `${widgets(s.namespace, "a")}?fieldManager=one`, { body, contentType: APPLY });
      await send({ metadata: { name: "a" } });
      await send({ ...widget("a"), kind: "Gadget" });
      await send({ ...widget("a"), apiVersion: `${GROUP}/v2` });
      await send(widget("b"));
      await send({ ...widget("a"), metadata: { name: "a", managedFields: [{ manager: "x" }] } });
    },
  },
  {
    name: "apply with a resourceVersion does not create",
    run: async (s) => void (await applyAs(s, "one", {}, "", { resourceVersion: "1" })),
  },
  {
    name: "apply with a uid does not create",
    run: async (s) => void (await applyAs(s, "one", {}, "", { uid: "11111111-1111-1111-1111-111111111111" })),
  },
  {
    name: "apply can be a dry run",
    async run(s) {
      await applyAs(s, "one", { color: "red" }, "&dryRun=All");
      await s.send("GET", widgets(s.namespace, "a"));
    },
  },
];
