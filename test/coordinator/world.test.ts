import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { binding, consumer, host, machine, newWorld, request } from "./builders.ts";

const waiting = (world: ReturnType<typeof newWorld>) =>
  [...world.queue.place()].map(({ claim, hostUid }) => `${claim.consumer.name}:${hostUid}`);

describe("the world's queue", () => {
  test("has a machine that says it waits, and hosts that are free", () => {
    const world = newWorld();
    world.setMachine(machine("machine-1"));
    world.setHost(host("host-1"));
    assert.deepEqual(waiting(world), ["machine-1:uid-host-1"]);
  });

  const GHOSTS: Record<string, (world: ReturnType<typeof newWorld>) => void> = {
    "a machine being deleted": (world) => world.setMachine(machine("machine-1", { deleting: true })),
    "a paused machine": (world) => world.setMachine(machine("machine-1", { paused: true })),
    "a machine that does not ask": (world) => world.setMachine(machine("machine-1", { waits: false })),
    "a machine with a host": (world) => world.setHost(host("host-9", { consumer: consumer("machine-1") })),
    "a machine whose binding is under way": (world) =>
      world.setRequest(request("machine-1", { phase: "Binding", binding: binding("host-9") })),
    "a suspended claim": (world) => world.suspend("Beskar7Machine/default/machine-1", true),
    "a reserved claim": (world) => world.reserve("Beskar7Machine/default/machine-1", "uid-host-9"),
    "a deleted machine": (world) => world.deleteMachine(machine("machine-1")),
  };
  for (const [name, act] of Object.entries(GHOSTS)) {
    test(`does not have ${name}`, () => {
      const world = newWorld();
      world.setMachine(machine("machine-1"));
      world.setHost(host("host-1"));
      act(world);
      assert.deepEqual(waiting(world), []);
    });
  }

  test("has a recorded attempt, of a machine that does not say that it waits", () => {
    const world = newWorld();
    world.setMachine(machine("machine-1", { waits: false }));
    world.setHost(host("host-1"));
    world.setRequest(request("machine-1"));
    assert.deepEqual(waiting(world), ["machine-1:uid-host-1"]);
  });

  test("does not have a request whose machine is known not to exist", () => {
    const world = newWorld();
    world.setHost(host("host-1"));
    world.setRequest(request("machine-1"));
    assert.deepEqual(waiting(world), ["machine-1:uid-host-1"]);
    world.machinesKnown("Beskar7Machine");
    assert.deepEqual(waiting(world), []);
  });

  test("does not have a request that was made for an earlier machine of the same name", () => {
    const world = newWorld();
    world.setMachine(machine("machine-1", { waits: false, uid: "new" }));
    world.setHost(host("host-1"));
    world.setRequest(request("machine-1", { consumer: consumer("machine-1", { uid: "old" }) }));
    assert.deepEqual(waiting(world), []);
  });

  test("has no host that a binding names, nor one that is reserved, deleted or not available", () => {
    const world = newWorld();
    world.setMachine(machine("machine-1"));
    for (const name of ["a", "b", "c", "d"]) world.setHost(host(name));
    world.setRequest(request("machine-2", { phase: "Binding", binding: binding("a") }));
    world.setMachine(machine("machine-3", { waits: false }));
    world.reserve("Beskar7Machine/default/machine-3", "uid-b");
    world.deleteHost("uid-c");
    world.setHost(host("d", { resourceVersion: "11", unavailable: "state is Error" }));
    assert.deepEqual(waiting(world), []);
    world.unreserve("Beskar7Machine/default/machine-3");
    assert.deepEqual(waiting(world), ["machine-1:uid-b"]);
  });

  test("under a foreign holder has only what that holder tried lately", () => {
    const world = newWorld();
    let nowMs = 0;
    world.setMachine(machine("machine-1"));
    world.setMachine(machine("machine-2", { createdAtMs: 5_000 }));
    world.setHost(host("host-1"));
    world.setForeignHolder({ nowMs: () => nowMs, windowMs: 60_000 });
    assert.deepEqual(waiting(world), []);
    world.noteHolderAttempt(consumer("machine-2"), nowMs);
    assert.deepEqual(waiting(world), ["machine-2:uid-host-1"]);
    nowMs = 60_001;
    world.expireHolderAttempts();
    assert.deepEqual(waiting(world), []);
    world.setForeignHolder(null);
    assert.deepEqual(waiting(world), ["machine-1:uid-host-1"]);
  });
});

describe("what a consumer holds elsewhere", () => {
  test("is a host that names it, before a binding that does", () => {
    const world = newWorld();
    const one = consumer("machine-1");
    assert.equal(world.heldElsewhere(one, "uid-host-1"), null);
    world.setRequest(request("machine-1", { phase: "Binding", binding: binding("host-2") }));
    assert.deepEqual(world.heldElsewhere(one, "uid-host-1"), { hostName: "host-2", by: "binding" });
    assert.equal(world.heldElsewhere(one, "uid-host-2"), null);
    world.setHost(host("host-3", { consumer: one }));
    assert.deepEqual(world.heldElsewhere(one, "uid-host-1"), { hostName: "host-3", by: "consumerRef" });
  });

  test("is never a host of another namespace, unless its kind may", () => {
    const world = newWorld();
    world.setHost(host("host-1", { namespace: "other", consumer: consumer("machine-1") }));
    assert.equal(world.heldElsewhere(consumer("machine-1"), "x"), null);
    const claim = consumer("claim-1", { kind: "HostClaim", apiVersion: "metal3.io/v1alpha1" });
    world.setHost(host("host-2", { kind: "BareMetalHost", namespace: "other", consumer: claim }));
    assert.deepEqual(world.heldElsewhere(claim, "x"), { hostName: "host-2", by: "consumerRef" });
  });

  test("is not what an earlier machine of the same name held by uid", () => {
    const world = newWorld();
    world.setHost(host("host-1", { consumer: consumer("machine-1", { uid: "old" }) }));
    assert.equal(world.heldElsewhere(consumer("machine-1", { uid: "new" }), "x"), null);
  });
});

test("the order in which objects arrive does not matter", () => {
  const events: ((world: ReturnType<typeof newWorld>) => void)[] = [
    (world) => world.setMachine(machine("machine-1")),
    (world) => world.setMachine(machine("machine-2", { createdAtMs: 900 })),
    (world) => world.machinesKnown("Beskar7Machine"),
    (world) => world.setHost(host("host-1")),
    (world) => world.setHost(host("host-2", { consumer: consumer("machine-3") })),
    (world) => world.setMachine(machine("machine-3")),
    (world) => world.setRequest(request("machine-1", { phase: "Binding", binding: binding("host-3") })),
    (world) => world.setHost(host("host-3")),
    (world) => world.setRequest(request("machine-2")),
  ];
  const outcome = (order: readonly number[]) => {
    const world = newWorld();
    for (const index of order) events[index]!(world);
    return waiting(world);
  };
  const wanted = outcome(events.keys().toArray());
  assert.deepEqual(wanted, ["machine-2:uid-host-1"]);
  fc.assert(
    fc.property(fc.shuffledSubarray([...events.keys()], { minLength: events.length }), (order) => {
      assert.deepEqual(outcome(order), wanted);
    }),
  );
});

test("nothing is left behind when everything is gone", () => {
  const world = newWorld();
  world.setMachine(machine("machine-1"));
  world.setHost(host("host-1", { consumer: consumer("machine-1") }));
  world.setRequest(request("machine-1", { phase: "Binding", binding: binding("host-1") }));
  world.deleteRequest("uid-request-machine-1");
  world.deleteHost("uid-host-1");
  world.deleteMachine(machine("machine-1"));
  assert.equal([...world.consumers()].length, 0);
});

test("an older version that arrives late, or after the deletion, changes nothing", () => {
  const world = newWorld();
  world.setHost(host("host-1", { resourceVersion: "12", consumer: consumer("machine-1") }));
  world.setHost(host("host-1", { resourceVersion: "11" }));
  assert.equal(world.host("uid-host-1")?.consumer?.name, "machine-1");
  world.deleteHost("uid-host-1");
  world.setHost(host("host-1", { resourceVersion: "12" }));
  assert.equal(world.host("uid-host-1"), undefined);
});

describe("a server restored from a backup", () => {
  test("is believed though its versions are older, and may have what was deleted", () => {
    const world = newWorld();
    world.setMachine(machine("machine-1"));
    world.setRequest(request("machine-1", { resourceVersion: "50", phase: "Released" }));
    world.setHost(host("host-1", { resourceVersion: "50", consumer: consumer("machine-2") }));
    world.setHost(host("host-2"));
    world.deleteHost("uid-host-2");
    const free = host("host-1", { resourceVersion: "20" });
    world.setHost(free);
    assert.equal(world.host("uid-host-1")?.consumer?.name, "machine-2");
    world.forgetVersions();
    world.setHost(free);
    world.setHost(host("host-2"));
    world.setRequest(request("machine-1", { resourceVersion: "20" }));
    assert.deepEqual(
      [...world.hosts()].map(({ name, consumer: holder }) => [name, holder]),
      [
        ["host-1", null],
        ["host-2", null],
      ],
    );
    assert.equal(world.request("uid-request-machine-1")?.phase, "Pending");
  });
});
