import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Arena } from "./arena.ts";

describe("an API server that is killed and started again while machines wait and while they are bound", {
  skip: await skipWithoutControlPlane("API server killed"),
  timeout: 100_000,
}, () => {
  let arena: Arena;

  before(async () => {
    // Watches of hosts are served from etcd, so that the history goes on where it was when the server ended.
    arena = await Arena.start(3, {
      apiServerArgs: ["--watch-cache-sizes=physicalhosts.infrastructure.cluster.x-k8s.io#0"],
    });
    await arena.addControllers(3);
    await arena.leader();
  });
  after(() => arena?.stop());

  test("loses no claim and gives nobody two hosts", async () => {
    const pool = await arena.pool("restarted");
    const hosts = Array.from({ length: 12 }, (_, i) => `host-${i}`);
    await Promise.all(hosts.map((name) => pool.objects.host(name, { state: "Inspecting" })));
    await Promise.all(hosts.map((_, i) => pool.objects.machine(`machine-${i}`)));
    await pool.untilWaiting(12);
    await pool.free(...hosts.slice(0, 8));
    await pool.untilBound(1);
    await arena.rig.plane.killApiServer();
    await arena.rig.plane.startApiServer();
    await pool.untilBound(8);
    await arena.rig.plane.killApiServer();
    await arena.rig.plane.startApiServer();
    await pool.free(...hosts.slice(8));
    await pool.untilBound(12);
    await pool.untilAssociated();
    await pool.check(await pool.claims());
  });
});
