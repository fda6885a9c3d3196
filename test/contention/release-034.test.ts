import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { consumerRefOf } from "../../src/workload/beskar7-objects.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena } from "./arena.ts";

describe("three controllers as Beskar7 v0.3.4's", {
  skip: await skipWithoutControlPlane("v0.3.4"),
  timeout: 100_000,
}, () => {
  let arena: Arena;

  before(async () => {
    arena = await Arena.start(2);
    await arena.leader();
    await arena.addControllers(3, "v0.3.4");
  });
  after(() => arena?.stop());

  test("find the hosts that they were refused and then given, with the boot image that they ask for", async () => {
    const pool = await arena.pool("release-034");
    const imageURL = "https://images.example/kairos.iso";
    const machines = ["machine-0", "machine-1", "machine-2", "machine-3"];
    await Promise.all([...machines, "spare"].map((_, i) => pool.objects.host(`host-${i}`)));
    await Promise.all(machines.map((name) => pool.objects.machine(name, { imageURL })));
    const bound = await pool.untilBound(4);
    await pool.untilAssociated();
    await pool.check(await pool.claims());
    for (const name of bound.values()) {
      const host = await pool.objects.getHost(name);
      assert.equal(consumerRefOf(host)?.kind, "");
      assert.equal((host.spec as { bootIsoSource?: string }).bootIsoSource, imageURL);
    }
  });
});
