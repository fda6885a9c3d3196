import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { consumerRefOf } from "../../src/workload/beskar7-objects.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena, PATIENT_LEASE } from "./arena.ts";
import type { Pool } from "./pool.ts";
import { fortyForTwenty, mixedRequirements, moreHostsThanMachines } from "./scenarios.ts";

/** Such a machine has an image URL, and its host is of no use without the same. */
const MACHINE = { imageURL: "https://images.example/kairos.iso" };

describe("three controllers as Beskar7 v0.3.4's", {
  skip: await skipWithoutControlPlane("v0.3.4"),
  timeout: 115_000,
}, () => {
  let arena: Arena;

  before(async () => {
    arena = await Arena.start(3, {}, PATIENT_LEASE);
    await arena.leader();
  });
  after(() => arena?.stop());

  test("that slept when hosts became free: the highest machines get them, each by one write of the service", async () => {
    await arena.addControllers(3, "v0.3.4-cached", "forty-twenty");
    const pool = await arena.pool("forty-twenty");
    await fortyForTwenty(arena, pool, MACHINE);
    await areAsWritten(pool, "Beskar7Machine");
  });

  test("with hosts to spare: each finds the one that it was refused and then given", async () => {
    await arena.addControllers(3, "v0.3.4", "plenty");
    const pool = await arena.pool("plenty");
    await moreHostsThanMachines(pool, MACHINE);
    await areAsWritten(pool, "");
  });

  for (const [release, kind, namespace] of [
    ["v0.3.4", "", "mixed"],
    ["v0.3.4-cached", "Beskar7Machine", "mixed-cached"],
  ] as const) {
    test(`that want different hosts and too many, as ${release}: the highest that fit win`, async () => {
      await arena.addControllers(3, release, namespace);
      const pool = await arena.pool(namespace);
      await mixedRequirements(pool, MACHINE);
      await areAsWritten(pool, kind);
    });
  }

  /** What is bound looks as if the controller had written it. */
  async function areAsWritten(pool: Pool, kind: string): Promise<void> {
    for (const { name, consumer } of pool.hosts) {
      if (consumer === null) continue;
      const host = await pool.objects.getHost(name);
      assert.equal(consumerRefOf(host)?.kind, kind);
      assert.equal((host.spec as { bootIsoSource?: string }).bootIsoSource, MACHINE.imageURL);
    }
  }
});
