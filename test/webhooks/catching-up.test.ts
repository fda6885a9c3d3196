import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Holder } from "../../src/coordinator/holder.ts";
import type { Intent } from "../../src/coordinator/intent.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { reasonOf } from "../../webhooks/verdict.ts";
import { consumer, host, machine, newWorld } from "../coordinator/builders.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { claimBy, newJudge } from "./judge.ts";

const TERM = "u1/0/pod-a";

/** A reviewer whose mirrors are behind until they are told to catch up. */
async function judged(behind: (world: ReturnType<typeof newWorld>) => () => void, catchesUp = true) {
  const world = newWorld();
  world.setHost(host("host-1"));
  world.setMachine(machine("machine-1"));
  const catchUp = behind(world);
  const clock = new FakeClock();
  const api = {} as KubeApi;
  const holder = new Holder({
    api,
    clock,
    leaseNamespace: "beskar7-system",
    leaseName: "l",
    retryPeriodMs: 2_000,
  });
  holder.note({
    metadata: { name: "l", uid: "u1", resourceVersion: "3" },
    spec: { holderIdentity: "pod-a", leaseDurationSeconds: 15, leaseTransitions: 0 },
  });
  const asked: Intent[] = [];
  const judge = newJudge({
    world,
    holder,
    clock,
    caughtUp: async (_hostKind, intent) => {
      asked.push(intent);
      if (catchesUp) catchUp();
      return catchesUp;
    },
  });
  const verdict = await judge.judge(claimBy("pod-a", TERM), new AbortController().signal);
  return { reason: reasonOf(verdict), asked: asked.map(({ machines }) => machines) };
}

const BEHIND: Record<string, { behind: Parameters<typeof judged>[0]; reason: string }> = {
  "a machine of higher priority that is gone": {
    behind: (world) => {
      const ahead = machine("machine-0", { createdAtMs: 1 });
      world.setMachine(ahead);
      return () => world.deleteMachine(ahead);
    },
    reason: "OutOfOrder",
  },
  "a host that its consumer has given up": {
    behind: (world) => {
      world.setHost(host("host-2", { consumer: consumer("machine-1") }));
      return () => world.setHost(host("host-2", { resourceVersion: "11" }));
    },
    reason: "ConsumerHoldsHost",
  },
};

describe("a reviewer that is behind the holder and sees", () => {
  for (const [what, { behind, reason }] of Object.entries(BEHIND)) {
    test(`${what} catches up before it refuses`, async () => {
      assert.deepEqual(await judged(behind), { reason: "", asked: ["7"] });
    });

    test(`${what} refuses when it can't catch up`, async () => {
      assert.deepEqual(await judged(behind, false), { reason, asked: ["7"] });
    });
  }

  test("nothing against it allows at once", async () => {
    assert.deepEqual(await judged(() => () => {}), { reason: "", asked: [] });
  });
});
