import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { holdersOf, invertedPairs } from "../../src/workload/checks.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena } from "./arena.ts";

const PRIORITY = "claims.beskar7.io/priority";
const PREFERRED = "beskar7.io/preferred-tags";
const REQUIRED = "beskar7.io/required-tags";

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

describe("three controllers and three replicas on a real API server", {
  skip: await skipWithoutControlPlane("contention"),
  timeout: 110_000,
}, () => {
  let arena: Arena;

  before(async () => {
    arena = await Arena.start(3);
    await arena.addControllers(3);
    await arena.leader();
  });
  after(() => arena?.stop());

  test("the highest claims get the hosts that become free, each by one write of the service", async () => {
    const pool = await arena.pool("forty-twenty");
    const machines = names("machine", 40);
    const hosts = names("host", 20);
    await Promise.all(hosts.map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(
      machines.map((name, i) =>
        pool.objects.machine(name, i % 2 === 0 ? { annotations: { [PREFERRED]: "nvme" } } : {}),
      ),
    );
    await pool.untilWaiting(40);
    const claims = await pool.claims();
    await pool.free(...hosts);
    await pool.untilBound(20);
    await pool.untilAssociated();
    await pool.check(claims);
    assert.equal(invertedPairs(claims, holdersOf(pool.hosts)), 0);
    assert.equal(arena.hostWrites(pool.namespace), 20);
  });

  test("with more hosts than machines each machine gets one", async () => {
    const pool = await arena.pool("plenty");
    await Promise.all(names("host", 9).map((name) => pool.objects.host(name)));
    await Promise.all(names("machine", 6).map((name) => pool.objects.machine(name)));
    await pool.untilBound(6);
    await pool.untilAssociated();
    await pool.check(await pool.claims());
  });

  test("machines deleted while they wait leave no gap in the queue", async () => {
    const pool = await arena.pool("deleted-machines");
    await Promise.all(names("host", 3).map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(
      names("machine", 6).map((name, i) =>
        pool.objects.machine(name, { annotations: { [PRIORITY]: String(100 - i) } }),
      ),
    );
    await pool.untilWaiting(6);
    await pool.free("host-0");
    await Promise.all(["machine-1", "machine-2"].map((name) => pool.delete(BESKAR7_MACHINES, name)));
    await pool.free("host-1", "host-2");
    const bound = await pool.untilBound(3);
    assert.ok(bound.has("machine-0"));
    await pool.checkSafety();
  });

  test("a machine whose host goes away gets another one", async () => {
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
