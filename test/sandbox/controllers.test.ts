import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES } from "../../src/kube/types.ts";
import { at, cluster, WIDGET_DEFINITION, WIDGETS, widget } from "./cluster.ts";

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const inside = (name: string, metadata: object = {}) => widget(name, {}, { namespace: "team", ...metadata });

describe("the controllers of the sandbox", () => {
  it("keep a namespace until the last finalizer in it is gone", async () => {
    const { api, clock } = cluster();
    await api.create(NAMESPACES, namespace("team"));
    await api.create(WIDGETS, inside("plain"));
    await api.create(WIDGETS, inside("held", { finalizers: ["example.com/hold"] }));
    await api.delete(NAMESPACES, { name: "team" });
    await clock.advance(0);
    const left = await api.list(WIDGETS, { namespace: "team" });
    assert.deepEqual(
      left.items.map(({ metadata }) => metadata.name),
      ["held"],
    );
    assert.ok(left.items[0]?.metadata.deletionTimestamp);
    const free = { type: "merge" as const, body: { metadata: { finalizers: null } } };
    await api.patch(WIDGETS, { namespace: "team", name: "held" }, free);
    await clock.advance(0);
    await assert.rejects(api.get(NAMESPACES, { name: "team" }), isNotFound);
  });

  it("establish a definition in the turn after it was created", async () => {
    const { api, clock } = cluster({ crds: [] });
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_DEFINITION);
    await assert.rejects(api.list(WIDGETS), isNotFound);
    await clock.advance(0);
    assert.deepEqual((await api.list(WIDGETS)).items, []);
  });

  it("empty a namespace of kinds that were defined after they started", async () => {
    const { api, clock } = cluster({ crds: [] });
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, WIDGET_DEFINITION);
    await clock.advance(0);
    await api.create(NAMESPACES, namespace("team"));
    await api.create(WIDGETS, inside("late", { finalizers: ["example.com/hold"] }));
    await api.delete(NAMESPACES, { name: "team" });
    await clock.advance(0);
    const free = { type: "merge" as const, body: { metadata: { finalizers: null } } };
    await api.patch(WIDGETS, { namespace: "team", name: "late" }, free);
    await clock.advance(0);
    await assert.rejects(api.get(NAMESPACES, { name: "team" }), isNotFound);
  });

  const owned = (uid = "") =>
    widget(
      "owned",
      {},
      {
        ownerReferences: [{ apiVersion: "test.example.com/v1", kind: "Widget", name: "owner", uid }],
      },
    );

  it("delete dependents first in the foreground, and let them go when they are orphaned", async () => {
    for (const propagationPolicy of ["Foreground", "Orphan"] as const) {
      const { api, clock } = cluster({ collectGarbage: true });
      const { metadata } = await api.create(WIDGETS, widget("owner"));
      await api.create(WIDGETS, owned(metadata.uid));
      await api.delete(WIDGETS, at("owner"), { propagationPolicy });
      assert.equal((await api.list(WIDGETS)).items.length, 2);
      await clock.advance(0);
      const { items } = await api.list(WIDGETS);
      if (propagationPolicy === "Foreground") assert.deepEqual(items, []);
      else
        assert.deepEqual(
          items.map((left) => [left.metadata.name, left.metadata.ownerReferences]),
          [["owned", []]],
        );
    }
  });

  for (const collectGarbage of [true, false]) {
    it(`${collectGarbage ? "delete" : "leave"} what has lost its owner when garbage collection is ${collectGarbage ? "on" : "off"}`, async () => {
      const { api, clock } = cluster({ collectGarbage });
      const { metadata } = await api.create(WIDGETS, widget("owner"));
      await api.create(WIDGETS, owned(metadata.uid));
      await api.delete(WIDGETS, at("owner"));
      await clock.advance(0);
      assert.equal((await api.list(WIDGETS)).items.length, collectGarbage ? 0 : 1);
    });
  }
});
