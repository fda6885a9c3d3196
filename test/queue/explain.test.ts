import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { World } from "../../src/coordinator/world.ts";
import { explainHost, hostsNamed } from "../../src/queue/explain-host.ts";
import { explainMachine, kindsNamed } from "../../src/queue/explain-machine.ts";
import { bindingTo, heldBy, host, machine, needing, request } from "./objects.ts";
import { minutesAgo, NOW_MS, worldOf } from "./world.ts";

const old = { creationTimestamp: minutesAgo(90) };
const gpu = { labels: { gpu: "" } };

const machineNamed = (world: World, name: string) =>
  explainMachine(world, { kind: "Beskar7Machine", namespace: "default", name }, NOW_MS)!;
const hostNamed = (world: World, name: string) => explainHost(world, hostsNamed(world, "default", name)[0]!);

describe("a machine explained", () => {
  it("tells of each host of its pool whether it fits, or everything that speaks against it", () => {
    const world = worldOf(
      machine("first", { ...old, ...needing("gpu") }),
      machine("m", { annotations: { "beskar7.io/preferred-tags": "nvme" } }),
      machine("other"),
      host("a-gpu", gpu),
      host("b-plain"),
      host("c-nvme", { labels: { nvme: "" } }),
      host("d-broken", { state: "Error" }),
      host("e-held", heldBy("other")),
      host("elsewhere", { namespace: "team-b" }),
    );
    assert.deepEqual(machineNamed(world, "m").hosts, [
      { host: "c-nvme", state: "Free", verdict: "next", reasons: [] },
      { host: "b-plain", state: "Free", verdict: "fits", reasons: [] },
      {
        host: "a-gpu",
        state: "Free",
        verdict: "needed",
        reasons: ["Beskar7Machine default/first is ahead and would be left without a host"],
      },
      { host: "d-broken", state: "Unavailable", verdict: "taken", reasons: ["its state is Error"] },
      {
        host: "e-held",
        state: "Held",
        verdict: "taken",
        reasons: ["it is held by Beskar7Machine default/other"],
      },
    ]);
  });

  it("gives both reasons where a host neither fits nor is free", () => {
    const world = worldOf(machine("m", needing("gpu")), host("host-1", { state: "Error" }));
    assert.deepEqual(machineNamed(world, "m").hosts[0]?.reasons, [
      "it has no label gpu",
      "its state is Error",
    ]);
  });

  it("names the claims ahead, the first first, and counts those that it does not name", () => {
    const others = Array.from({ length: 12 }, (_, i) =>
      machine(`m${i}`, { creationTimestamp: minutesAgo(100 - i) }),
    );
    const { ahead, aheadTotal, entry } = machineNamed(worldOf(...others, machine("last")), "last");
    assert.equal(entry.position, 13);
    assert.equal(aheadTotal, 12);
    assert.deepEqual(
      ahead.map(({ name }) => name),
      ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"],
    );
  });

  it("tells who has a host already that it has, and that it stands in no queue", () => {
    const { holds, entry, hosts } = machineNamed(
      worldOf(machine("m"), host("host-1", heldBy("m")), host("host-2")),
      "m",
    );
    assert.deepEqual([holds, entry.position, entry.why], ["host-1", null, "it holds host host-1"]);
    assert.deepEqual(
      hosts.map(({ host: name, verdict }) => [name, verdict]),
      [
        ["host-1", "held"],
        ["host-2", "fits"],
      ],
    );
  });

  it("knows nothing of a machine that is not there, and every kind of one that is", () => {
    const world = worldOf(machine("m"));
    assert.equal(explainMachine(world, { kind: "Beskar7Machine", namespace: "x", name: "m" }, NOW_MS), null);
    assert.deepEqual(kindsNamed(world, { namespace: "default", name: "m" }), ["Beskar7Machine"]);
  });
});

describe("a host explained", () => {
  it("names who gets a free host: the first that it fits and that has none better", () => {
    const world = worldOf(
      machine("picky", { ...old, ...needing("gpu") }),
      machine("plain"),
      host("host-1"),
      host("host-2", gpu),
    );
    assert.equal(hostNamed(world, "host-1").next?.name, "plain");
    assert.equal(hostNamed(world, "host-2").next?.name, "picky");
  });

  it("names who would get a held one if it were free, and changes nothing by asking", () => {
    const world = worldOf(machine("has"), machine("m"), host("host-1", heldBy("has")));
    const { state, why, consumer, next } = hostNamed(world, "host-1");
    assert.deepEqual(
      [state, why, consumer?.name, next?.name],
      ["Held", "it is held by Beskar7Machine default/has", "has", "m"],
    );
    const uid = hostsNamed(world, "default", "host-1")[0]!.uid;
    assert.equal(world.queue.hasHost(uid), false);
  });

  it("tells who is getting it while a binding names it", () => {
    const world = worldOf(machine("m"), request("m", { status: bindingTo("host-1") }), host("host-1"));
    const { state, consumer } = hostNamed(world, "host-1");
    assert.deepEqual([state, consumer?.name], ["Binding", "m"]);
  });

  it("lists the waiting claims that it fits, with their positions", () => {
    const world = worldOf(machine("picky", { ...old, ...needing("gpu") }), machine("plain"), host("host-1"));
    const { fitting, fittingTotal, waitingTotal } = hostNamed(world, "host-1");
    assert.deepEqual(
      fitting.map(({ name, position }) => [name, position]),
      [["plain", 2]],
    );
    assert.deepEqual([fittingTotal, waitingTotal], [1, 2]);
  });

  it("says that a consumer no longer exists", () => {
    const { state, why } = hostNamed(worldOf(host("host-1", heldBy("gone"))), "host-1");
    assert.equal(state, "Orphaned");
    assert.equal(why, "it is held by Beskar7Machine default/gone, which no longer exists");
  });
});
