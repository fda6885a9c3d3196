import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { EventRecorder } from "../../src/coordinator/events.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { replicaEvents } from "../../src/ops/replica-events.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { decision, delegated } from "../queue/decisions.ts";
import { worldOf } from "../queue/world.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** The series that counts this verdict, without the metric's name. */
async function countedAs(record: DecisionRecord): Promise<string[]> {
  const registry = new Registry();
  const common = { clock: new FakeClock(), log: silentLog };
  const api = { create: () => Promise.resolve({}) } as unknown as KubeApi;
  const world = worldOf();
  const { decision: tell } = replicaEvents({
    ...common,
    metrics: createMetrics(registry, { version: "1.2.3", processMetrics: false }),
    events: new EventRecorder({ ...common, api, random: () => 0, component: "", instance: "" }),
    leaseNamespace: "beskar7-system",
    world: () => world,
  });
  tell(record);
  const name = "beskar7_claim_coordinator_admission_decisions_total";
  const lines = (await registry.metrics()).split("\n");
  return lines
    .filter((line) => line.startsWith(name) && line.endsWith(" 1"))
    .map((line) => line.slice(name.length));
}

test("an allowed claim is counted with the path that it took", async () => {
  assert.deepEqual(await countedAs(decision({ mode: "optimistic" })), [
    '{webhook="validate",verdict="allow",reason="optimistic"} 1',
  ]);
});

test("a rejected claim is counted with its reason", async () => {
  assert.deepEqual(await countedAs(delegated()), [
    '{webhook="validate",verdict="reject",reason="Delegated"} 1',
  ]);
});

test("a claim that could not be judged is counted as an error, not as a rejection", async () => {
  const record = decision({ allowed: false, mode: "uninvolved", reason: "NotReady" });
  assert.deepEqual(await countedAs(record), ['{webhook="validate",verdict="error",reason="NotReady"} 1']);
});
