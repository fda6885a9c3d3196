import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeError } from "../../src/kube/errors.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena } from "./arena.ts";
import type { Moment, Write } from "./intercept.ts";
import { names, PRIORITY } from "./scenarios.ts";

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

  /**
   * Four machines wait for two hosts, the highest last by name and by age; the leader dies at the first such write, and
   * all the same the two highest get the hosts.
   */
  async function killed(moment: Moment, at: (write: Write) => boolean, namespace: string) {
    const leader = await arena.leader();
    const pool = await arena.pool(namespace);
    const hosts = ["host-0", "host-1"];
    // Requests are recorded as soon as machines wait, everything else when hosts are free.
    const death = leader.wire.dieAt(moment, (write) => write.key.namespace === namespace && at(write));
    await Promise.all(hosts.map((name) => pool.objects.host(name, { state: "Inspecting" })));
    for (const [i, name] of names("machine", 4).entries()) {
      await pool.objects.machine(name, { annotations: { [PRIORITY]: String(i) } });
    }
    await pool.untilWaiting(4);
    const claims = await pool.claims();
    await pool.free(...hosts);
    const write = await death;
    arena.unplug(leader);
    try {
      await pool.untilBound(2);
      await pool.untilAssociated();
      await pool.check(claims);
      await pool.untilPhases({
        "machine-0": "Pending",
        "machine-1": "Pending",
        "machine-2": "Bound",
        "machine-3": "Bound",
      });
    } finally {
      await arena.bury(leader);
      await arena.addReplica();
    }
    return { pool, write, leader };
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
