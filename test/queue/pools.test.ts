import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { viewPools } from "../../src/queue/pools.ts";
import { bareMetalHost } from "../fixtures/objects.ts";
import { bindingTo, heldBy, host, machine, needing, request } from "./objects.ts";
import { minutesAgo, worldOf } from "./world.ts";

describe("pools", () => {
  it("count each host in the one state that it is in", () => {
    const [pool] = viewPools(
      worldOf(
        host("free"),
        host("held", heldBy("has")),
        host("orphan", heldBy("gone")),
        host("broken", { state: "Error" }),
        host("broken-too", { state: "Error" }),
        host("inspected", { state: "Inspecting" }),
        host("leaving", { deleting: true }),
        host("bound-now"),
        machine("has"),
        machine("binds"),
        request("binds", { status: bindingTo("bound-now") }),
      ),
      null,
    );
    assert.equal(pool?.hosts, 8);
    assert.deepEqual(pool?.byState, {
      Free: 1,
      Reserved: 0,
      Binding: 1,
      Held: 1,
      Orphaned: 1,
      Unavailable: 3,
      Deleting: 1,
    });
    assert.deepEqual(pool?.unavailable, [
      { why: "state is Error", hosts: 2 },
      { why: "state is Inspecting", hosts: 1 },
    ]);
  });

  it("tell how many wait, for how many a host is there, and since when the oldest does", () => {
    const [pool] = viewPools(
      worldOf(host("a"), machine("m", { creationTimestamp: minutesAgo(90) }), machine("gpu", needing("gpu"))),
      null,
    );
    assert.deepEqual([pool?.waiting, pool?.placed], [2, 1]);
    assert.equal(pool?.oldestSince, "2025-12-31T22:40:00.000Z");
  });

  it("are one for each kind and namespace, also where claims wait and no host is", () => {
    const world = worldOf(host("a"), bareMetalHost({ name: "b" }), machine("m", { namespace: "team-b" }));
    const names = viewPools(world, null).map(({ hostKind, namespace }) => `${hostKind}/${namespace}`);
    assert.deepEqual(names, ["BareMetalHost/default", "PhysicalHost/default", "PhysicalHost/team-b"]);
    assert.equal(viewPools(world, "team-b").length, 1);
  });
});
