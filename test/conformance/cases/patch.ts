import type { Json } from "../../controlplane/index.ts";
import { lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

export const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

const SPEC = { color: "red", size: 5, tags: ["x", "y"], free: { a: { b: 1 }, list: [1, 2, 3] } };

/** A scenario that begins with an unrecorded widget "a" of SPEC. */
const given = (name: string, run: (s: Scenario, a: Json) => Promise<unknown>): ScenarioCase => ({
  name,
  run: async (s) =>
    void (await run(
      s,
      await s.quietly("POST", widgets(s.namespace), {
        body: widget("a", SPEC, { labels: { l: "1", m: "2" } }),
      }),
    )),
});

const patch = (s: Scenario, contentType: string, body: Json, query = "") =>
  s.send("PATCH", widgets(s.namespace, "a") + query, { body, contentType });

const merges = (name: string, body: Json, query = "") => given(name, (s) => patch(s, MERGE, body, query));
const jsonPatches = (name: string, body: Json) => given(name, (s) => patch(s, JSON_PATCH, body));

export const patches: ScenarioCase[] = [
  merges("a merge patch merges objects, replaces lists and removes nulls", {
    metadata: { labels: { l: null, n: "3" } },
    spec: { tags: ["z"], size: null, free: { a: { c: 2 }, list: null } },
  }),
  given("a merge patch that changes nothing changes nothing", async (s, a) => {
    s.note("before", a);
    await patch(s, MERGE, { spec: { color: "red" } });
  }),
  given("a merge patch with a stale resourceVersion is a Conflict", async (s, a) => {
    await s.quietly("PUT", widgets(s.namespace, "a"), { body: { ...a, spec: { color: "blue" } } });
    const { resourceVersion } = a.metadata;
    await patch(s, MERGE, { metadata: { resourceVersion }, spec: { color: "green" } });
  }),
  given("a merge patch with the current resourceVersion is taken", (s, a) => {
    const { resourceVersion } = a.metadata;
    return patch(s, MERGE, { metadata: { resourceVersion }, spec: { color: "green" } });
  }),
  merges("a merge patch must fit the schema", { spec: { size: 1000 } }),
  merges("a merge patch can't rename", { metadata: { name: "b" } }),
  merges("a merge patch can't move to another namespace", { metadata: { namespace: "other" } }),
  given("a merge patch can't change the uid", (s) => {
    const uid = "11111111-1111-1111-1111-111111111111";
    return patch(s, MERGE, { metadata: { uid } });
  }),
  merges("a merge patch can't change the kind", { kind: "Gadget" }),
  merges("a merge patch of unknown fields is warned of", { spec: { nope: 1 } }),
  given("a merge patch of unknown fields is refused by strict validation", async (s) => {
    const path = `${widgets(s.namespace, "a")}?fieldValidation=Strict`;
    const answer = await s.target.call("PATCH", path, { body: { spec: { nope: 1 } }, contentType: MERGE });
    // In between the message has the whole patched object.
    const { reason, message } = answer.json();
    s.note("answer", { code: answer.code, reason, end: message.slice(message.lastIndexOf(": ")) });
  }),
  merges("a merge patch must be an object", [1]),
  given("a merge patch must be JSON", (s) => patch(s, MERGE, "{nope")),
  given("a patch can be a dry run", async (s) => {
    await patch(s, MERGE, { spec: { color: "blue" } }, "?dryRun=All");
    await s.send("GET", widgets(s.namespace, "a"));
  }),
  {
    name: "what isn't there can't be patched",
    run: async (s) => void (await patch(s, MERGE, { spec: {} })),
  },
  given("a merge patch of status leaves the spec, and the other way round", async (s) => {
    await s.send("PATCH", `${widgets(s.namespace, "a")}/status`, {
      body: { spec: { color: "blue" }, status: { phase: "P" } },
      contentType: MERGE,
    });
    await patch(s, MERGE, { spec: { color: "green" }, status: { phase: "Q" } });
  }),
  jsonPatches("a JSON patch tests, adds, replaces, moves, copies and removes", [
    { op: "test", path: "/spec/color", value: "red" },
    { op: "replace", path: "/spec/size", value: 6 },
    { op: "add", path: "/spec/tags/-", value: "z" },
    { op: "add", path: "/spec/tags/0", value: "first" },
    { op: "copy", from: "/spec/free/a", path: "/spec/free/copied" },
    { op: "move", from: "/spec/free/list", path: "/spec/free/moved" },
    { op: "remove", path: "/metadata/labels/l" },
    { op: "add", path: "/metadata/annotations", value: { "a/b": "c" } },
    { op: "replace", path: "/metadata/annotations/a~1b", value: "d" },
  ]),
  jsonPatches("a JSON patch whose test fails", [{ op: "test", path: "/spec/color", value: "blue" }]),
  jsonPatches("a JSON patch that removes what isn't there", [{ op: "remove", path: "/spec/none" }]),
  jsonPatches("a JSON patch that replaces what isn't there", [
    { op: "replace", path: "/spec/none", value: 1 },
  ]),
  jsonPatches("a JSON patch that adds where no parent is", [{ op: "add", path: "/none/a/b", value: 1 }]),
  jsonPatches("a JSON patch past the end of a list", [{ op: "add", path: "/spec/tags/9", value: "x" }]),
  jsonPatches("a JSON patch of an unknown operation", [{ op: "grow", path: "/spec/size" }]),
  jsonPatches("a JSON patch must be a list", { op: "remove", path: "/spec" }),
  given("a JSON patch can test the resourceVersion", async (s, a) => {
    const test = (value: string) => [
      { op: "test", path: "/metadata/resourceVersion", value },
      { op: "replace", path: "/spec/color", value: "blue" },
    ];
    await patch(s, JSON_PATCH, test(a.metadata.resourceVersion));
    await patch(s, JSON_PATCH, test(a.metadata.resourceVersion));
  }),
  given("a JSON patch with a stale resourceVersion is a Conflict", async (s, a) => {
    await s.quietly("PUT", widgets(s.namespace, "a"), { body: { ...a, spec: { color: "blue" } } });
    const value = a.metadata.resourceVersion;
    await patch(s, JSON_PATCH, [{ op: "replace", path: "/metadata/resourceVersion", value }]);
  }),
  given("a patch of an unknown type is an unsupported medium", (s) => patch(s, "application/json", {})),
  given("custom resources know no strategic merge patch", (s) => patch(s, STRATEGIC, {})),
  {
    name: "a strategic merge patch of a built-in type merges lists by their key",
    async run(s) {
      const owner = (uid: string) => ({ apiVersion: "v1", kind: "Pod", name: uid, uid });
      const body = lease("l", { holderIdentity: "a" }, { ownerReferences: [owner("1")] });
      await s.quietly("POST", leases(s.namespace), { body });
      await s.send("PATCH", leases(s.namespace, "l"), {
        body: { metadata: { ownerReferences: [owner("2")] }, spec: { leaseDurationSeconds: 3 } },
        contentType: STRATEGIC,
      });
    },
  },
  {
    name: "a strategic merge patch's directive replaces or empties a map that is there, and sets none that isn't",
    async run(s) {
      const maps = `/api/v1/namespaces/${s.namespace}/configmaps`;
      await s.quietly("POST", maps, { body: { metadata: { name: "a" }, data: { a: "1" } } });
      for (const body of [
        { data: { $patch: "replace", b: "2" }, metadata: { labels: { $patch: "replace", x: "y" } } },
        { data: { $patch: "merge", c: "3" }, metadata: { labels: { $patch: "merge", x: "y" } } },
        { data: { $patch: "delete" } },
      ]) {
        await s.send("PATCH", `${maps}/a`, { body, contentType: STRATEGIC });
      }
    },
  },
  given("patches without a resourceVersion don't conflict with each other", async (s) => {
    const racers = Array.from({ length: 5 }, (_, n) =>
      s.target.call("PATCH", widgets(s.namespace, "a"), {
        body: { metadata: { labels: { [`racer-${n}`]: "" } } },
        contentType: MERGE,
      }),
    );
    s.note(
      "codes",
      (await Promise.all(racers)).map(({ code }) => code),
    );
    const { metadata } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.note("labels", metadata.labels);
  }),
];
