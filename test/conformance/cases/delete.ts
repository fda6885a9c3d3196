import type { Json } from "../../controlplane/index.ts";
import { lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const FINALIZERS = { finalizers: ["conformance.beskar7.io/hold"] };

/** A scenario that begins with an unrecorded widget "a", with or without a finalizer. */
const given = (
  name: string,
  metadata: Json,
  run: (s: Scenario, a: Json) => Promise<unknown>,
): ScenarioCase => ({
  name,
  run: async (s) =>
    void (await run(s, await s.quietly("POST", widgets(s.namespace), { body: widget("a", {}, metadata) }))),
});

const path = (s: Scenario) => widgets(s.namespace, "a");
const options = (more: Json) => ({ body: { apiVersion: "v1", kind: "DeleteOptions", ...more } });

export const deletion: ScenarioCase[] = [
  given("a deleted object is gone, and the answer names its uid", {}, async (s, a) => {
    s.note("before", a);
    await s.send("DELETE", path(s));
    await s.send("GET", path(s));
    await s.send("DELETE", path(s));
  }),
  {
    name: "a deleted Lease is answered with a Status",
    async run(s) {
      await s.quietly("POST", leases(s.namespace), { body: lease("l", {}) });
      await s.send("DELETE", leases(s.namespace, "l"));
    },
  },
  given("a uid is a precondition", {}, async (s, a) => {
    const uid = "11111111-1111-1111-1111-111111111111";
    s.mask(uid, "<other uid>");
    s.note("before", a);
    await s.send("DELETE", path(s), options({ preconditions: { uid } }));
    await s.send("DELETE", path(s), options({ preconditions: { uid: a.metadata.uid } }));
  }),
  given("a resourceVersion is a precondition", {}, async (s, a) => {
    const moved = await s.quietly("PUT", path(s), { body: { ...a, spec: { color: "blue" } } });
    const old = a.metadata.resourceVersion;
    s.mask(old, "<old>");
    s.mask(moved.metadata.resourceVersion, "<new>");
    await s.send("DELETE", path(s), options({ preconditions: { resourceVersion: old } }));
    const { resourceVersion } = moved.metadata;
    s.note(
      "code",
      (await s.target.call("DELETE", path(s), options({ preconditions: { resourceVersion } }))).code,
    );
  }),
  given("a dry run deletes nothing", {}, async (s) => {
    await s.send("DELETE", `${path(s)}?dryRun=All`);
    await s.send("GET", path(s));
  }),
  given("a finalizer holds a deleted object until it is taken away", FINALIZERS, async (s, a) => {
    s.note("before", a);
    const held = await s.send("DELETE", path(s));
    await s.send("DELETE", path(s));
    const released: Json = held.json();
    delete released.metadata.finalizers;
    await s.send("PUT", path(s), { body: released });
    await s.send("GET", path(s));
  }),
  given("a merge patch that takes the last finalizer away ends the object", FINALIZERS, async (s) => {
    await s.quietly("DELETE", path(s));
    const body = { metadata: { finalizers: null } };
    await s.send("PATCH", path(s), { body, contentType: "application/merge-patch+json" });
    await s.send("GET", path(s));
  }),
  given("an object that is being deleted takes no new finalizer", FINALIZERS, async (s) => {
    await s.quietly("DELETE", path(s));
    const body = { metadata: { finalizers: [...FINALIZERS.finalizers, "conformance.beskar7.io/more"] } };
    await s.send("PATCH", path(s), { body, contentType: "application/merge-patch+json" });
  }),
  given("an object that is being deleted can be written, and its name is not free", FINALIZERS, async (s) => {
    await s.quietly("DELETE", path(s));
    await s.send("PATCH", path(s), {
      body: { spec: { color: "green" } },
      contentType: "application/merge-patch+json",
    });
    await s.send("POST", widgets(s.namespace), { body: widget("a") });
  }),
  given("deletion moves the generation of a held object", FINALIZERS, async (s, a) => {
    const held = await s.quietly("DELETE", path(s));
    s.note("generations", [a.metadata.generation, held.metadata.generation]);
  }),
  given("Foreground leaves a finalizer for the garbage collector", {}, (s) =>
    s.send("DELETE", path(s), options({ propagationPolicy: "Foreground" })),
  ),
  given("Orphan leaves a finalizer for the garbage collector", {}, (s) =>
    s.send("DELETE", `${path(s)}?propagationPolicy=Orphan`),
  ),
  given("an unknown propagation policy is refused", {}, (s) =>
    s.send("DELETE", path(s), options({ propagationPolicy: "Sideways" })),
  ),
  {
    name: "a collection is deleted by label",
    async run(s) {
      for (const [name, team] of [
        ["a", "x"],
        ["b", "y"],
        ["c", "x"],
      ]) {
        await s.quietly("POST", widgets(s.namespace), { body: widget(name!, {}, { labels: { team } }) });
      }
      const answer = await s.quietly("DELETE", `${widgets(s.namespace)}?labelSelector=team%3Dx`);
      s.note("answer", { kind: answer.kind, names: answer.items.map((item: Json) => item.metadata.name) });
      const left = await s.quietly("GET", widgets(s.namespace));
      s.note(
        "left",
        left.items.map((item: Json) => item.metadata.name),
      );
    },
  },
  {
    name: "a recreated object has another uid",
    async run(s) {
      const first = await s.quietly("POST", widgets(s.namespace), { body: widget("a") });
      await s.quietly("DELETE", path(s));
      const second = await s.quietly("POST", widgets(s.namespace), { body: widget("a") });
      s.note("same uid", first.metadata.uid === second.metadata.uid);
      await s.send("PUT", path(s), { body: first });
    },
  },
];
