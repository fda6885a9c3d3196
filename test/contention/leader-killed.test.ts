import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeError } from "../../src/kube/errors.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { phaseOf } from "../e2e/objects.ts";
import { until } from "../e2e/rig.ts";
import { Arena } from "./arena.ts";
import type { Moment, Write } from "./intercept.ts";
import type { Pool } from "./pool.ts";

/** The writes of the binding protocol, in its order. */
const WRITES: Record<string, (write: Write) => boolean> = {
  "records the request": ({ verb, type }) => verb === "create" && type === CLAIM_REQUESTS,
  "writes the binding": (write) => isPhase(write, "Binding"),
  "writes the host": ({ type, body, options }) =>
    type === PHYSICAL_HOSTS && options.dryRun !== true && !isNull(body) && hasConsumer(body),
  "notes that it is bound": (write) => isPhase(write, "Bound"),
};

describe("a leader that is killed while it binds", {
  skip: await skipWithoutControlPlane("leader killed"),
  timeout: 110_000,
}, () => {
  let arena: Arena;

  before(async () => {
    arena = await Arena.start(2);
    await arena.addControllers(1);
  });
  after(() => arena?.stop());

  for (const [does, at] of Object.entries(WRITES)) {
    for (const moment of ["before", "after"] as const) {
      test(`${moment} it ${does}: its successor ends what it began`, async () => {
        await killed(moment, at, `killed-${moment}-${does.replaceAll(" ", "-")}`);
      });
    }
  }

  test("and whose write of the host arrives when its successor has bound that machine: it is refused", async () => {
    const { pool, write, leader } = await killed("before", WRITES["writes the host"]!, "late-write");
    await assert.rejects(leader.wire.sendLate(write), (error: KubeError) => error.status?.code === 409);
    await pool.checkSafety();
  });

  /** Two machines wait for two hosts; the leader dies at the first such write, and both are bound all the same. */
  async function killed(moment: Moment, at: (write: Write) => boolean, namespace: string) {
    const leader = await arena.leader();
    const pool = await arena.pool(namespace);
    const hosts = ["host-0", "host-1"];
    // Requests are recorded as soon as machines wait, everything else when hosts are free.
    const death = leader.wire.dieAt(moment, (write) => write.key.namespace === namespace && at(write));
    await Promise.all(hosts.map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(["machine-0", "machine-1"].map((name) => pool.objects.machine(name)));
    await pool.untilWaiting(2);
    await pool.free(...hosts);
    const write = await death;
    arena.unplug(leader);
    await pool.untilBound(2);
    await pool.untilAssociated();
    await untilSettled(pool);
    await pool.check(await pool.claims());
    await arena.bury(leader);
    await arena.addReplica();
    return { pool, write, leader };
  }

  async function untilSettled({ namespace }: Pool): Promise<void> {
    await until(async () => {
      const { items } = await arena.rig.admin.list(CLAIM_REQUESTS, { namespace });
      return items.length === 2 && items.every((request) => phaseOf(request) === "Bound");
    });
  }
});

function isPhase({ type, body }: Write, phase: string): boolean {
  if (type !== CLAIM_REQUESTS || isNull(body)) return false;
  return (body as { status?: { phase?: string } }).status?.phase === phase;
}

function hasConsumer(body: unknown): boolean {
  return ((body as { spec?: { consumerRef?: unknown } }).spec?.consumerRef ?? null) !== null;
}

function isNull(body: unknown): body is null {
  return body === null;
}
