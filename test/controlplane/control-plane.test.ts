import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import { type ControlPlane, expectOk, skipWithoutControlPlane, startControlPlane } from "./index.ts";

const name = "the control plane";
const SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const WHO_AM_I = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };

describe(name, { skip: await skipWithoutControlPlane(name) }, () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ users: [{ name: "alice", groups: ["ops", "dev"] }] });
  });
  after(() => plane?.stop());

  const whoIs = async (token: string) =>
    expectOk(await plane.call("POST", SELF, { body: WHO_AM_I, token })).status.userInfo;

  test("knows users by their tokens, with their groups", async () => {
    const { username, groups } = await whoIs(plane.token("alice"));
    assert.deepEqual(
      { username, groups },
      { username: "alice", groups: ["ops", "dev", "system:authenticated"] },
    );
    assert.throws(() => plane.token("nobody"), /No user nobody/);
  });

  test("knows a pod by its token", async () => {
    const { username, extra } = await whoIs(await plane.podToken("work", "worker", "worker-7"));
    assert.equal(username, "system:serviceaccount:work:worker");
    assert.deepEqual(extra["authentication.kubernetes.io/pod-name"], ["worker-7"]);
    // Again for a pod that is there.
    await plane.podToken("work", "worker", "worker-7");
  });

  test("runs kubectl as admin, as a user and with a token", async () => {
    const admin = await plane.kubectl(["get", "namespace", "default", "-o", "name"]);
    assert.deepEqual(admin, { code: 0, stdout: "namespace/default\n", stderr: "" });
    const alice = await plane.kubectl(["get", "namespaces"], { user: "alice" });
    assert.match(alice.stderr, /User "alice" cannot list resource "namespaces"/);
    const token = await plane.podToken("work", "worker", "worker-7");
    assert.match((await plane.kubectl(["auth", "whoami"], { token })).stdout, /worker-7/);
    const made = await plane.kubectl(["create", "-f", "-"], {
      input: '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"piped"}}',
    });
    assert.equal(made.stdout, "namespace/piped created\n");
  });

  test("counts requests in its metrics", async () => {
    const count = () =>
      plane.metric("apiserver_request_total", { resource: "leases", verb: "LIST", code: "200" });
    const before = await count();
    expectOk(await plane.call("GET", "/apis/coordination.k8s.io/v1/leases"));
    assert.ok((await count()) > before);
  });

  test("keeps its data, address and certificate over every kind of restart", async () => {
    await plane.addUser({ name: "bob" });
    assert.equal((await whoIs(plane.token("bob"))).username, "bob");
    await plane.killApiServer();
    await assert.rejects(plane.call("GET", "/readyz"));
    assert.throws(() => plane.freezeApiServer(), /not running/);
    await plane.startApiServer();
    await plane.restartEtcd();
    assert.equal((await plane.call("GET", "/api/v1/namespaces/work")).code, 200);
  });

  test("keeps connections open but silent while it is frozen", async () => {
    plane.freezeApiServer();
    const answer = plane.call("GET", "/readyz");
    // Any answer within this time would mean that it is not frozen; none can come later either.
    assert.equal(await Promise.race([answer, sleep(systemClock, 200)]), undefined);
    plane.thawApiServer();
    assert.equal((await answer).code, 200);
  });

  test("runs beside another one that knows nothing of it, and leaves nothing behind", async () => {
    const other = await startControlPlane();
    assert.notEqual(other.url, plane.url);
    assert.equal((await other.call("GET", "/api/v1/namespaces/work")).code, 404);
    await other.stop();
    await other.stop();
    assert.equal(existsSync(other.folder), false);
    await assert.rejects(other.call("GET", "/readyz"));
  });

  test("tells the servers' last words when it does not start", async () => {
    await assert.rejects(
      startControlPlane({ apiServerArgs: ["--no-such-flag"] }),
      /unknown flag: --no-such-flag/,
    );
  });
});
