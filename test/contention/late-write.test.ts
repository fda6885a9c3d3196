import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeError } from "../../src/kube/errors.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf } from "../e2e/objects.ts";
import { until } from "../e2e/rig.ts";
import { Arena } from "./arena.ts";
import { HoldingWebhook } from "./holding-webhook.ts";

/** What the API server counts when our /validate has let a claim through. */
const ADMITTED = {
  metric: "apiserver_admission_webhook_admission_duration_seconds_count",
  labels: { name: "physicalhosts.claims.beskar7.io", type: "validating", rejected: "false" },
};

describe("a dead leader's write of a host that every webhook has admitted and storage has not seen", {
  skip: await skipWithoutControlPlane("late write"),
  timeout: 60_000,
}, () => {
  let arena: Arena;
  const webhook = new HoldingWebhook();

  before(async () => {
    arena = await Arena.start(2);
  });
  after(async () => {
    webhook.close();
    await arena?.stop();
  });

  test("lands nowhere once the successor has given the machine another host", async () => {
    const pool = await arena.pool("late-write");
    const leader = await arena.leader();
    await pool.objects.host("late", { state: "Inspecting" });
    await webhook.register(arena.rig.admin, pool.namespace, "late");
    await pool.objects.machine("machine", { waiting: true });
    await pool.free("late");
    await webhook.held.promise;
    await until(async () => (await arena.rig.plane.metric(ADMITTED.metric, ADMITTED.labels)) > 0);
    const late = leader.wire.endOf(({ type }) => type === PHYSICAL_HOSTS);
    leader.wire.cutOff();
    arena.unplug(leader);
    // By name it comes before the host that the dead leader chose, so that the successor prefers it.
    await pool.objects.host("early");
    assert.equal((await pool.untilBound(1)).get("machine"), "early");
    webhook.release();
    await assert.rejects(late, (error: KubeError) => error.status?.code === 409);
    assert.equal(consumerOf(await pool.objects.getHost("late")), "");
    await pool.checkSafety();
    await arena.bury(leader);
  });
});
