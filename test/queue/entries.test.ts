import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { World } from "../../src/coordinator/world.ts";
import { viewQueue } from "../../src/queue/entries.ts";
import { bindingTo, heldBy, host, machine, needing, request } from "./objects.ts";
import { minutesAgo, NOW_MS, worldOf } from "./world.ts";

const view = (world: World, options: { namespace?: string; limit?: number } = {}) =>
  viewQueue(world, { nowMs: NOW_MS, namespace: options.namespace ?? null, limit: options.limit ?? 100 });

const old = { creationTimestamp: minutesAgo(90) };
const young = { creationTimestamp: minutesAgo(5) };

describe("the queue as people see it", () => {
  it("lists who waits by position, with the points of this moment and the age", () => {
    const world = worldOf(machine("young", young), machine("old", old));
    const rows = view(world).entries.map(({ position, consumer, priority, ageSeconds }) => [
      position,
      consumer.name,
      priority,
      ageSeconds,
    ]);
    assert.deepEqual(rows, [
      [1, "old", 240, 5_400],
      [2, "young", 155, 300],
    ]);
  });

  it("counts positions in each pool from one", () => {
    const world = worldOf(machine("a"), machine("b", { namespace: "team-b" }));
    assert.deepEqual(
      view(world).entries.map(({ namespace, position }) => [namespace, position]),
      [
        ["default", 1],
        ["team-b", 1],
      ],
    );
  });

  it("shows one namespace to who asks for one", () => {
    const world = worldOf(machine("a"), machine("b", { namespace: "team-b" }));
    const { entries, total } = view(world, { namespace: "team-b" });
    assert.deepEqual([entries.map(({ consumer }) => consumer.name), total], [["b"], 1]);
  });

  it("says how many there are when not all are shown", () => {
    const world = worldOf(machine("a", old), machine("b"), machine("c", young));
    const { entries, total } = view(world, { limit: 1 });
    assert.deepEqual([entries.map(({ consumer }) => consumer.name), total], [["a"], 3]);
  });

  it("puts who is being bound before who waits, and who is held back behind", () => {
    const world = worldOf(
      host("host-1"),
      machine("paused", { ...old, annotations: { "cluster.x-k8s.io/paused": "" } }),
      machine("waits"),
      machine("binds", young),
      request("binds", { status: bindingTo("host-1") }),
    );
    const rows = view(world).entries.map((entry) => [
      entry.consumer.name,
      entry.position,
      entry.phase,
      entry.host,
      entry.why,
    ]);
    assert.deepEqual(rows, [
      ["binds", null, "Binding", "host-1", "its binding is not resolved yet"],
      ["waits", 1, "Pending", null, "no host is free"],
      ["paused", null, "Pending", null, "its machine is paused"],
    ]);
  });

  it("leaves out who holds a host, and who does not ask", () => {
    const world = worldOf(host("host-1", heldBy("has")), machine("has"), machine("idle", { waiting: false }));
    assert.equal(view(world).total, 0);
  });
});

describe("why a claim waits", () => {
  const gpu = { labels: { gpu: "" } };
  const cases: Record<string, { world: World; of: string; why: string }> = {
    "a pool without hosts": { world: worldOf(machine("m")), of: "m", why: "there is no host in its pool" },
    "a free host that nobody ahead needs": {
      world: worldOf(machine("m"), host("host-1")),
      of: "m",
      why: "host host-1 is free for it",
    },
    "every host is in use": {
      world: worldOf(machine("m"), host("host-1", heldBy("other")), machine("other")),
      of: "m",
      why: "no host is free",
    },
    "one claim ahead needs the only host that fits": {
      world: worldOf(machine("first", old), machine("m"), host("host-1")),
      of: "m",
      why: "claims ahead of it need the free host that fits",
    },
    "two claims ahead need the two that fit": {
      world: worldOf(
        machine("first", old),
        machine("second", old),
        machine("m"),
        host("host-1"),
        host("host-2"),
      ),
      of: "m",
      why: "claims ahead of it need the 2 free hosts that fit",
    },
    "a fitting host is in use and the free ones don't fit": {
      world: worldOf(
        machine("m", needing("gpu")),
        machine("other"),
        host("host-1"),
        host("host-2"),
        host("host-3", { ...heldBy("other"), ...gpu }),
      ),
      of: "m",
      why: "no free host fits (2 of 2: it has no label gpu)",
    },
    "nothing in the pool could ever fit": {
      world: worldOf(machine("m", needing("gpu")), host("host-1", { state: "Error" })),
      of: "m",
      why: "no host fits, free or not (it has no label gpu)",
    },
  };
  for (const [name, { world, of, why }] of Object.entries(cases)) {
    it(name, () => {
      assert.equal(view(world).entries.find(({ consumer }) => consumer.name === of)?.why, why);
    });
  }

  it("is each claim's own where claims of one pool ask for different things", () => {
    const world = worldOf(
      machine("gpu", { ...old, ...needing("gpu") }),
      machine("m"),
      host("host-1", { state: "Error" }),
    );
    assert.deepEqual(
      view(world).entries.map(({ why }) => why),
      ["no host fits, free or not (it has no label gpu)", "no host is free"],
    );
  });

  it("a claim that can have a host passes one that can't, and is told which", () => {
    const world = worldOf(machine("gpu", { ...old, ...needing("gpu") }), machine("plain"), host("host-1"));
    assert.deepEqual(
      view(world).entries.map(({ consumer, nextHost }) => [consumer.name, nextHost]),
      [
        ["gpu", null],
        ["plain", "host-1"],
      ],
    );
  });
});
