import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KubeError } from "../../src/kube/errors.ts";
import { DEEDS, type Deed } from "./deeds.ts";
import { Faults } from "./faults.ts";
import type { Fault, PlannedFault } from "./schedule.ts";

const absent = () => new KubeError("KUBE_TRANSPORT", "connect ECONNREFUSED");

const forbidden = () =>
  new KubeError("KUBE_STATUS", "forbidden", {
    status: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 403 },
  });

function planned(fault: Fault): PlannedFault {
  return {
    fault,
    atMs: 0,
    moment: "at once",
    target: 0,
    lastsMs: 0,
    mood: "silent",
    delayMs: 0,
    how: "renew",
  };
}

/** Faults whose deeds are these; nothing is disturbed by the others. */
function faultsWith(deeds: Partial<Record<Fault, Deed>>) {
  const violations: string[] = [];
  const notes: string[] = [];
  const cluster = {
    untilBinding: async () => {},
    violated: (sentence: string) => void violations.push(sentence),
  };
  const faults = new Faults(cluster, (what) => notes.push(what), { ...DEEDS, ...deeds });
  return { faults, violations, notes };
}

describe("a fault", { timeout: 20_000 }, () => {
  test("that was seen to strike is done; one without effect, or without a target, is missed", async () => {
    const { faults, violations } = faultsWith({
      kill: async () => "done",
      freeze: async () => "without effect",
      reviews: async () => "no target",
    });
    for (const fault of ["kill", "freeze", "reviews", "freeze"] as const) await faults.strike(planned(fault));
    assert.deepEqual([...faults.done], [["kill", 1]]);
    assert.deepEqual(Object.fromEntries(faults.missed), {
      "freeze (without effect)": 2,
      "reviews (no target)": 1,
    });
    assert.deepEqual(violations, []);
  });

  for (const [what, { error, serverTaken = false }] of Object.entries({
    "a mistake": { error: new TypeError("link is not a function") },
    "a mistake, while the API server is away": {
      error: new TypeError("mood of undefined"),
      serverTaken: true,
    },
    "a refusal, while the API server is away": { error: forbidden(), serverTaken: true },
    "an API server that is away though nobody took it": { error: absent() },
  })) {
    test(`that fails because of ${what} is a violation, and not done`, async () => {
      const back = Promise.withResolvers<void>();
      const { faults, violations } = faultsWith({
        "api-server-kill": async () => {
          await back.promise;
          return "done";
        },
        certificates: async () => {
          throw error;
        },
      });
      const killing = serverTaken ? faults.strike(planned("api-server-kill")) : undefined;
      await new Promise(setImmediate);
      await faults.strike(planned("certificates"));
      back.resolve();
      await killing;
      assert.equal(violations.length, 1);
      assert.match(violations[0]!, /certificates could not be done/);
      assert.ok(!faults.done.has("certificates"));
    });
  }

  test("that fails while another has taken the API server away is done when it is back", async () => {
    const back = Promise.withResolvers<void>();
    let isBack = false;
    let tries = 0;
    const { faults, violations } = faultsWith({
      "api-server-kill": async () => {
        await back.promise;
        isBack = true;
        return "done";
      },
      "lease-deleted": async () => {
        tries++;
        if (!isBack) throw absent();
        return "done";
      },
    });
    const killing = faults.strike(planned("api-server-kill"));
    const deleting = faults.strike(planned("lease-deleted"));
    setImmediate(back.resolve);
    await Promise.all([killing, deleting]);
    assert.deepEqual(violations, []);
    assert.equal(tries, 2);
    assert.deepEqual([...faults.done].sort(), [
      ["api-server-kill", 1],
      ["lease-deleted", 1],
    ]);
  });

  test("that takes the API server away waits for its turn, and leaves it to the next though it failed", async () => {
    const order: string[] = [];
    const step = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
      if (name === "restart") throw new Error("it does not get ready");
      return "done" as const;
    };
    const { faults, violations } = faultsWith({
      "api-server-restart": step("restart"),
      "etcd-restart": step("etcd"),
      compaction: step("compaction"),
    });
    await Promise.all(
      (["api-server-restart", "etcd-restart", "compaction"] as const).map((fault) =>
        faults.strike(planned(fault)),
      ),
    );
    assert.deepEqual(order, [
      "restart begins",
      "restart ends",
      "etcd begins",
      "etcd ends",
      "compaction begins",
      "compaction ends",
    ]);
    assert.equal(violations.length, 1);
  });
});
