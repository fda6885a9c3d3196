import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bindings } from "../../src/coordinator/binding.ts";
import { Processor } from "../../src/coordinator/processor.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { host, machine, newWorld, request } from "./builders.ts";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A leader that binds one claim at a time; each binding is refused when the test says so. */
function leader(t: { after(end: () => void): void }) {
  const clock = new FakeClock();
  const world = newWorld();
  const refusals: (() => void)[] = [];
  const reliefs: number[] = [];
  const bindings = {
    take: () =>
      new Promise((resolve) =>
        refusals.push(() => resolve({ ok: false, reason: "BindingConflict", detail: "" })),
      ),
    holdBack: async () => {},
  } as unknown as Bindings;
  const processor = new Processor({
    api: {} as KubeApi,
    world,
    bindings,
    clock,
    log: silentLog,
    random: () => 0.5,
    profileFor: profileForKind,
    term: () => ({ leaseUid: "u1", leaseTransitions: 0, holderIdentity: "pod-a_1" }),
    seen: () => ({ hosts: "10", requests: "5", machines: "7" }),
    parallelism: 1,
    onResult: () => {},
    onRelief: () => reliefs.push(processor.inflight),
  });
  const end = new AbortController();
  t.after(() => end.abort());
  world.onChange(() => processor.wake());
  processor.start(end.signal);
  return { clock, processor, refusals, reliefs, world };
}

describe("a leader", () => {
  test("has more to do than it may do at once until nothing is left to start", async (t) => {
    const { clock, processor, refusals, reliefs, world } = leader(t);
    for (const name of ["machine-1", "machine-2"]) {
      world.setMachine(machine(name));
      world.setRequest(request(name));
      world.setHost(host(name.replace("machine", "host")));
    }
    await clock.advance(0);
    assert.deepEqual([processor.inflight, processor.saturated, reliefs], [1, true, []]);
    world.deleteMachine(machine("machine-2"));
    world.deleteRequest("uid-request-machine-2");
    for (let failures = 0; failures < 2; failures++) {
      refusals[failures]!();
      await settled();
      await clock.advance(0);
    }
    assert.deepEqual([processor.inflight, processor.saturated, reliefs], [0, false, [0]]);
  });

  test("does not hold its failures against a claim whose consumer went away and came again", async (t) => {
    const { clock, processor, refusals, world } = leader(t);
    world.setMachine(machine("machine-1"));
    world.setHost(host("host-1"));
    await clock.advance(0);
    for (let failures = 0; failures < 2; failures++) {
      refusals[failures]!();
      await settled();
      await clock.advance(0);
    }
    assert.equal(processor.inflight, 0, "it is tried again later");
    world.deleteMachine(machine("machine-1"));
    processor.forget("Beskar7Machine/default/machine-1");
    world.setMachine(machine("machine-1", { uid: "uid-another" }));
    await clock.advance(0);
    assert.equal(processor.inflight, 1);
  });
});
