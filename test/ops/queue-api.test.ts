import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { World } from "../../src/coordinator/world.ts";
import type { Auth } from "../../src/ops/auth.ts";
import type { MachineExplanation } from "../../src/queue/explain-machine.ts";
import type { ClusterStatus } from "../../src/queue/views.ts";
import { bareMetalHost } from "../fixtures/objects.ts";
import { delegated } from "../queue/decisions.ts";
import { host, machine, needing } from "../queue/objects.ts";
import { worldOf } from "../queue/world.ts";
import { QueueDoor } from "./queue-door.ts";

const opened: QueueDoor[] = [];
after(() => Promise.all(opened.map((door) => door.close())));

async function door(world: World, auth?: Auth): Promise<QueueDoor> {
  const made = await new QueueDoor(world).open(auth);
  opened.push(made);
  return made;
}

/** Knows the token "alice", who may read team-a and nothing else. */
const aliceReadsTeamA: Auth = {
  authenticate: async ({ authorization }) =>
    authorization === "Bearer alice"
      ? { user: { username: "alice", uid: "", groups: [], extra: {} } }
      : { status: 401, message: "a valid bearer token is needed" },
  authorize: async (user, access) =>
    "namespace" in access && access.resource === "claimrequests" && access.namespace === "team-a"
      ? { allowed: true }
      : { status: 403, message: `${user.username} may not get claimrequests` },
};

const error = (code: string, message: string) => ({ error: { code, message } });

describe("GET /api/v1/queue", () => {
  it("answers with the entries in their order, in a stable shape", async () => {
    const { get } = bound(await door(worldOf(machine("m", needing("gpu")), host("host-1"))));
    assert.deepEqual((await get("/queue")).body, {
      namespace: null,
      limit: 500,
      entries: [
        {
          position: 1,
          hostKind: "PhysicalHost",
          namespace: "default",
          consumer: { kind: "Beskar7Machine", namespace: "default", name: "m" },
          request: null,
          priority: 110,
          createdAt: "2026-01-01T00:00:00.000Z",
          ageSeconds: 600,
          needs: "gpu",
          phase: "Pending",
          host: null,
          nextHost: null,
          why: "no host fits, free or not (it has no label gpu)",
        },
      ],
      total: 1,
    });
  });

  const wrong: [query: string, message: string][] = [
    ["?namespace=Team_A", "namespace must be one namespace"],
    ["?namespace=a&namespace=b", "namespace must be one namespace"],
    ["?limit=0", "limit must be a number from 1 to 10000"],
    ["?limit=1e3", "limit must be a number from 1 to 10000"],
    ["?ns=team-a", "ns means nothing here; known are ?namespace= and ?limit="],
  ];
  for (const [query, message] of wrong) {
    it(`refuses ${query} and says why`, async () => {
      const { status, body } = await (await door(worldOf())).get(`/queue${query}`);
      assert.deepEqual([status, body], [400, error("BadRequest", message)]);
    });
  }
});

describe("who may read", () => {
  const world = worldOf(machine("a", { namespace: "team-a" }), machine("b", { namespace: "team-b" }));

  it("nothing without a token, and the answer says what kind is wanted", async () => {
    const { status, body, headers } = await (await door(world, aliceReadsTeamA)).get("/queue");
    assert.deepEqual([status, body], [401, error("Unauthorized", "a valid bearer token is needed")]);
    assert.match(headers.get("www-authenticate") ?? "", /^Bearer /);
  });

  it("one namespace with a right to that one, and no word of others", async () => {
    const { get } = bound(await door(world, aliceReadsTeamA));
    const { status, body } = await get("/queue?namespace=team-a", "alice");
    assert.equal(status, 200);
    assert.doesNotMatch(JSON.stringify(body), /team-b/);
    assert.equal((await get("/queue?namespace=team-b", "alice")).status, 403);
  });

  it("everything only with a right to all namespaces; who has one to some is told how to ask", async () => {
    const { status, body } = await (await door(world, aliceReadsTeamA)).get("/queue", "alice");
    const message = "alice may not get claimrequests; name a namespace that you may read (?namespace=)";
    assert.deepEqual([status, body], [403, error("Forbidden", message)]);
  });

  for (const path of ["/status", "/events", "/explain/machine/team-b/b", "/explain/host/team-b/h"]) {
    it(`not ${path} without that right`, async () => {
      const { get } = bound(await door(world, aliceReadsTeamA));
      assert.equal((await get(path)).status, 401);
      assert.equal((await get(path, "alice")).status, 403);
    });
  }

  it("is not known while nobody can be asked, which is no refusal", async () => {
    const cutOff: Auth = {
      ...aliceReadsTeamA,
      authorize: async () => ({ status: 503, message: "rights can't be checked now" }),
    };
    const { status, body } = await (await door(world, cutOff)).get("/queue", "alice");
    assert.deepEqual([status, body], [503, error("Unavailable", "rights can't be checked now")]);
  });
});

describe("GET /api/v1/explain", () => {
  it("explains a machine and a host by name alone", async () => {
    const { get } = bound(await door(worldOf(machine("m"), host("host-1"))));
    const ofMachine = (await get("/explain/machine/default/m")).body as {
      hosts: unknown;
      entry: { position: number };
    };
    assert.equal(ofMachine.entry.position, 1);
    assert.deepEqual(ofMachine.hosts, [{ host: "host-1", state: "Free", verdict: "next", reasons: [] }]);
    const ofHost = (await get("/explain/host/default/host-1")).body as { next: unknown };
    assert.deepEqual(ofHost.next, { kind: "Beskar7Machine", namespace: "default", name: "m" });
  });

  it("lists as many hosts as were asked for, the nearest first, and says how many there are", async () => {
    const { get } = bound(await door(worldOf(machine("m"), host("a", { state: "Error" }), host("b"))));
    const { hosts, hostsTotal } = (await get("/explain/machine/default/m?limit=1"))
      .body as MachineExplanation;
    assert.deepEqual([hosts.map(({ host: name }) => name), hostsTotal], [["b"], 2]);
  });

  it("asks for the kind where a name has several, and takes it", async () => {
    const { get } = bound(await door(worldOf(host("h"), bareMetalHost({ name: "h", uid: "other" }))));
    const { status, body } = await get("/explain/host/default/h");
    const message = "several kinds have that name: add ?kind=PhysicalHost or ?kind=BareMetalHost";
    assert.deepEqual([status, body], [400, error("BadRequest", message)]);
    assert.equal((await get("/explain/host/default/h?kind=BareMetalHost")).status, 200);
  });

  it("is a clear 404 for what is not known", async () => {
    const { get } = bound(await door(worldOf()));
    assert.deepEqual(
      (await get("/explain/machine/default/x")).body,
      error("NotFound", "no machine or request default/x is known"),
    );
    assert.equal((await get("/explain/host/default/x")).status, 404);
    assert.equal((await get("/explain/host/default/x?kind=PhysicalHost")).status, 404);
  });
});

describe("GET /api/v1/status", () => {
  it("tells who leads, the pools, what was decided, how fast, and until when the certificate is good", async () => {
    const made = await door(worldOf(host("host-1"), machine("m")));
    made.leaders.note("new_leader", "coordinator-0_7f1c", made.clock.wallMs());
    made.decisions.note(delegated({ tookMs: 0.5 }));
    made.bindings.note(40);
    const { at, leader, leaderEvents, pools, decisions, rejections, latency, certificate } = (
      await made.get("/status")
    ).body as ClusterStatus;
    assert.equal(at, "2026-01-01T00:10:00.000Z");
    assert.equal(leader.state, "ours");
    assert.deepEqual(leaderEvents, [{ at, event: "new_leader", identity: "coordinator-0_7f1c" }]);
    assert.equal(pools[0]?.waiting, 1);
    assert.equal(decisions[0]?.reason, "Delegated");
    assert.deepEqual(rejections, [{ reason: "Delegated", count: 1 }]);
    assert.deepEqual(latency.bind, {
      count: 1,
      p50Ms: 40,
      p90Ms: 40,
      p99Ms: 40,
      maxMs: 40,
    });
    assert.deepEqual(certificate, { expiresAt: "2026-01-31T01:40:00.000Z" });
  });
});

function bound(made: QueueDoor): { get: QueueDoor["get"] } {
  return { get: (path, token) => made.get(path, token) };
}
