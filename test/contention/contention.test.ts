import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena, PATIENT_LEASE } from "./arena.ts";
import {
  fortyForTwenty,
  mixedRequirements,
  moreHostsThanMachines,
  names,
  PRIORITY,
  REQUIRED,
} from "./scenarios.ts";

describe("three controllers and three replicas on a real API server", {
  skip: await skipWithoutControlPlane("contention"),
  timeout: 110_000,
}, () => {
  let arena: Arena;

  before(async () => {
    arena = await Arena.start(3, {}, PATIENT_LEASE);
    await arena.addControllers(3);
    await arena.leader();
  });
  after(() => arena?.stop());

  test("the highest claims get the hosts that become free, each by one write of the service", async () => {
    await fortyForTwenty(arena, await arena.pool("forty-twenty"));
  });

  test("with more hosts than machines each machine gets one", async () => {
    await moreHostsThanMachines(await arena.pool("plenty"));
  });

  test("machines deleted while they wait leave no gap in the queue, and nobody is passed over", async () => {
    const pool = await arena.pool("deleted-machines");
    await Promise.all(names("host", 3).map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(
      names("machine", 6).map((name, i) =>
        pool.objects.machine(name, { annotations: { [PRIORITY]: String(100 - i) } }),
      ),
    );
    await pool.untilWaiting(6);
    await pool.free("host-0");
    assert.deepEqual([...(await pool.untilBound(1)).keys()], ["machine-0"]);
    await Promise.all(["machine-1", "machine-2"].map((name) => pool.delete(BESKAR7_MACHINES, name)));
    await pool.untilWaiting(3);
    await arena.gone(pool, "machine-1", "machine-2");
    await pool.free("host-1");
    assert.deepEqual([...(await pool.untilBound(2)).keys()].sort(), ["machine-0", "machine-3"]);
    await pool.free("host-2");
    await pool.untilBound(3);
    await pool.check(await pool.claims());
  });

  test("a machine whose host goes away before it is bound gets another one", async () => {
    const pool = await arena.pool("vanishing-hosts");
    await Promise.all(names("host", 4).map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(names("machine", 4).map((name) => pool.objects.machine(name)));
    await pool.untilWaiting(4);
    await Promise.all([
      pool.free("host-0", "host-1"),
      pool.delete(PHYSICAL_HOSTS, "host-3"),
      // Freed and deleted at once: whichever comes first, the other may find it gone.
      pool.free("host-2").catch(() => {}),
      pool.delete(PHYSICAL_HOSTS, "host-2").catch(() => {}),
    ]);
    await pool.untilBound(2);
    await Promise.all(names("spare", 2).map((name) => pool.objects.host(name)));
    await pool.untilBound(4);
    await pool.untilAssociated();
    await pool.check(await pool.claims());
  });

  test("a machine whose host is deleted when it is bound waits again in its old place, and nobody else notices", async () => {
    const pool = await arena.pool("lost-hosts");
    await Promise.all(names("host", 2).map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(
      names("machine", 4).map((name, i) =>
        pool.objects.machine(name, { annotations: { [PRIORITY]: String(100 - i) } }),
      ),
    );
    await pool.untilWaiting(4);
    await pool.free("host-0", "host-1");
    const first = await pool.untilBound(2);
    await pool.untilAssociated();
    await pool.untilPhases({ "machine-0": "Bound", "machine-1": "Bound" });
    const kept = first.get("machine-1");
    await pool.delete(PHYSICAL_HOSTS, first.get("machine-0") ?? "");
    await pool.untilPhases({ "machine-0": "Pending", "machine-1": "Bound" });
    await pool.untilWaiting(3);
    const { status } = await pool.objects.getRequest("beskar7machine-machine-0");
    const { binding, hostName } = status as { binding?: object; hostName?: string };
    assert.deepEqual([binding, hostName], [undefined, undefined], "no ghost of the host is left");
    await pool.objects.host("spare-0");
    const second = await pool.untilBound(2);
    assert.deepEqual([second.get("machine-0"), second.get("machine-1")], ["spare-0", kept]);
    await pool.objects.host("spare-1");
    await pool.untilBound(3);
    await pool.untilAssociated();
    await pool.check(await pool.claims());
  });

  test("labels that change decide anew who fits", async () => {
    const pool = await arena.pool("labels");
    await pool.objects.machine("gpu", { annotations: { [REQUIRED]: "gpu", [PRIORITY]: "1000" } });
    await pool.untilWaiting(1);
    await pool.objects.host("host-0");
    await pool.objects.host("host-1", { labels: { gpu: "a100" }, state: "Inspecting" });
    await pool.label("host-1", { gpu: null });
    await pool.free("host-1");
    await pool.objects.machine("plain");
    assert.deepEqual([...(await pool.untilBound(1)).keys()], ["plain"]);
    const other = pool.hosts.find(({ consumer }) => consumer === null);
    await pool.label(other?.name ?? "", { gpu: "a100" });
    assert.equal((await pool.untilBound(2)).get("gpu"), other?.name);
    await pool.check(await pool.claims());
  });

  test("a plain claim passes a GPU claim that waits, and never takes the GPU host before it", async () => {
    const pool = await arena.pool("mixed");
    await pool.objects.machine("gpu", { annotations: { [REQUIRED]: "gpu", [PRIORITY]: "1000" } });
    await pool.objects.machine("plain-0");
    await pool.objects.machine("plain-1");
    await pool.untilWaiting(3);
    await pool.objects.host("cpu-host");
    const first = await pool.untilBound(1);
    assert.equal(first.has("gpu"), false);
    await pool.objects.host("gpu-host", { labels: { gpu: "" } });
    assert.equal((await pool.untilBound(2)).get("gpu"), "gpu-host");
    await pool.check(await pool.claims());
  });

  test("with too few hosts for what machines want, the highest that fit win", async () => {
    await mixedRequirements(await arena.pool("mixed-scarce"));
  });

  test("namespaces are pools of their own, even where every name is the same", async () => {
    const pools = [await arena.pool("team-a"), await arena.pool("team-b")];
    for (const [i, pool] of pools.entries()) {
      await Promise.all(names("machine", 4).map((name) => pool.objects.machine(name)));
      await Promise.all(names("host", 2 + i).map((name) => pool.objects.host(name, { state: "Inspecting" })));
      await pool.untilWaiting(4);
    }
    await Promise.all(pools.map((pool, i) => pool.free(...names("host", 2 + i))));
    for (const [i, pool] of pools.entries()) {
      await pool.untilBound(2 + i);
      await pool.check(await pool.claims());
    }
  });
});
