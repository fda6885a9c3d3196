import type { Json } from "../../controlplane/index.ts";
import { GROUP, lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { MERGE } from "./patch.ts";

/** A scenario that begins with an unrecorded widget "a". */
const given = (name: string, run: (s: Scenario, a: Json) => Promise<unknown>): ScenarioCase => ({
  name,
  run: async (s) => void (await run(s, await s.quietly("POST", widgets(s.namespace), { body: widget("a") }))),
});

const brief = ({ type, object }: { type: string; object: Json }) =>
  `${type} ${object.metadata.name} ${object.spec?.color ?? ""}`.trim();

const watchPath = (s: Scenario, from: string, query = "") =>
  `${widgets(s.namespace)}?watch=true&resourceVersion=${from}${query}`;

const recolor = (s: Scenario, name: string, color: string) =>
  s.quietly("PATCH", widgets(s.namespace, name), { body: { spec: { color } }, contentType: MERGE });

export const watches: ScenarioCase[] = [
  given("a watch tells every change since its resourceVersion, in order and whole", async (s, a) => {
    await recolor(s, "a", "blue");
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion));
    await s.quietly("POST", widgets(s.namespace), { body: widget("b") });
    await s.quietly("DELETE", widgets(s.namespace, "a"));
    s.note("events", await watch.take(3));
  }),
  given("the last state of a deleted object carries the version of its deletion", async (s, a) => {
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion));
    await s.quietly("DELETE", widgets(s.namespace, "a"));
    const [event] = await watch.take(1);
    s.note("later", Number(event!.object.metadata.resourceVersion) > Number(a.metadata.resourceVersion));
  }),
  given("a held object is MODIFIED by its deletion, and DELETED without its finalizer", async (s, a) => {
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion));
    const set = (finalizers: string[] | null) =>
      s.quietly("PATCH", widgets(s.namespace, "a"), {
        body: { metadata: { finalizers } },
        contentType: MERGE,
      });
    await set(["conformance.beskar7.io/hold"]);
    await s.quietly("DELETE", widgets(s.namespace, "a"));
    await set(null);
    s.note("events", await watch.take(3));
  }),
  given("a write that changes nothing is no event", async (s, a) => {
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion));
    await s.quietly("PUT", widgets(s.namespace, "a"), { body: a });
    await recolor(s, "a", "blue");
    s.note("events", (await watch.take(1)).map(brief));
  }),
  given("a watch without a resourceVersion begins with what there is", async (s) => {
    await s.quietly("POST", widgets(s.namespace), { body: widget("b") });
    const watch = await s.watch(`${widgets(s.namespace)}?watch=true`);
    s.note("first", (await watch.take(2)).map(brief).sort());
    await recolor(s, "b", "blue");
    s.note("then", (await watch.take(1)).map(brief));
  }),
  given("a watch from resourceVersion 0 begins with what there is", async (s) => {
    const watch = await s.watch(watchPath(s, "0"));
    s.note("first", (await watch.take(1)).map(brief));
  }),
  given("an object enters and leaves a label selector as ADDED and DELETED", async (s, a) => {
    const label = (value: string | null) =>
      s.quietly("PATCH", widgets(s.namespace, "a"), {
        body: { metadata: { labels: { team: value } } },
        contentType: MERGE,
      });
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion, "&labelSelector=team%3Dx"));
    await label("x");
    await recolor(s, "a", "blue");
    await label("y");
    await label("x");
    await s.quietly("DELETE", widgets(s.namespace, "a"));
    s.note("events", await watch.take(5));
  }),
  given("an object enters and leaves a field selector as ADDED and DELETED", async (s, a) => {
    const watch = await s.watch(
      watchPath(s, a.metadata.resourceVersion, "&fieldSelector=spec.color%3Dgreen"),
    );
    for (const color of ["green", "blue", "green"]) await recolor(s, "a", color);
    s.note("events", (await watch.take(3)).map(brief));
  }),
  given("one object is watched by its name", async (s, a) => {
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion, "&fieldSelector=metadata.name%3Db"));
    await recolor(s, "a", "blue");
    await s.quietly("POST", widgets(s.namespace), { body: widget("b") });
    s.note("events", (await watch.take(1)).map(brief));
  }),
  {
    name: "a watch of one namespace hears nothing of another, one of all hears both",
    async run(s) {
      const other = `${s.namespace}-b`;
      await s.quietly("POST", "/api/v1/namespaces", {
        body: { apiVersion: "v1", kind: "Namespace", metadata: { name: other } },
      });
      const { metadata } = await s.quietly("GET", widgets(s.namespace));
      const labels = { both: s.namespace };
      const query = `watch=true&resourceVersion=${metadata.resourceVersion}&labelSelector=both%3D${s.namespace}`;
      const [one, all] = [
        await s.watch(`${widgets(s.namespace)}?${query}`),
        await s.watch(`/apis/${GROUP}/v1/widgets?${query}`),
      ];
      await s.quietly("POST", widgets(other), { body: widget("there", {}, { labels }) });
      await s.quietly("POST", widgets(s.namespace), { body: widget("here", {}, { labels }) });
      s.note("one", (await one.take(1)).map(brief));
      s.note("all", (await all.take(2)).map(brief));
    },
  },
  {
    name: "a Lease is watched",
    async run(s) {
      const made = await s.quietly("POST", leases(s.namespace), {
        body: lease("l", { holderIdentity: "a" }),
      });
      const { resourceVersion } = made.metadata;
      const watch = await s.watch(`${leases(s.namespace)}?watch=true&resourceVersion=${resourceVersion}`);
      await s.quietly("PUT", leases(s.namespace, "l"), { body: { ...made, spec: { holderIdentity: "b" } } });
      s.note("events", await watch.take(1));
    },
  },
  given("a watch ends after its timeoutSeconds without an error", async (s, a) => {
    const watch = await s.watch(watchPath(s, a.metadata.resourceVersion, "&timeoutSeconds=1"));
    s.note("events", (await watch.rest()).map(brief));
  }),
  given("a bookmark comes before the end for those who ask", async (s, a) => {
    const ask = (query: string) =>
      s.watch(watchPath(s, a.metadata.resourceVersion, `&timeoutSeconds=4${query}`));
    const [with_, without] = await Promise.all([ask("&allowWatchBookmarks=true"), ask("")]);
    await recolor(s, "a", "blue");
    const events = await with_.rest();
    s.note("last event", events.at(-1));
    s.note("without", (await without.rest()).map(brief));
  }),
  given("a watch can begin with a list whose end is marked", async (s) => {
    const query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = await s.watch(`${widgets(s.namespace)}?watch=true${query}`);
    s.note("events", await watch.take(2));
  }),
  given("a watch from the oldest of times is told that it is Expired", async (s) => {
    const watch = await s.watch(watchPath(s, "1"));
    const [event] = await watch.rest();
    s.mask(/\(\d+\)/.exec(event!.object.message)![0], "(<oldest>)");
    s.note("event", event);
  }),
  given("a watch is refused", async (s) => {
    await s.send("GET", watchPath(s, "abc"));
    await s.send("GET", `${widgets(s.namespace)}?watch=true&sendInitialEvents=true`);
    await s.send("GET", `${widgets(s.namespace)}?watch=true&labelSelector=%3D`);
    await s.send("GET", `${widgets(s.namespace)}?watch=true&fieldSelector=spec.size%3D1`);
  }),
  given("the old path for watches is served still", async (s, a) => {
    const path = `/apis/${GROUP}/v1/watch/namespaces/${s.namespace}/widgets`;
    const watch = await s.watch(`${path}?resourceVersion=${a.metadata.resourceVersion}`);
    await recolor(s, "a", "blue");
    s.note("events", (await watch.take(1)).map(brief));
  }),
];
