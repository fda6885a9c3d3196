import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { createAuth, openAuth, type User } from "../../src/ops/auth.ts";
import { AnswerCache } from "../../src/ops/auth-cache.ts";
import { checkAccessByReview, checkTokenByReview } from "../../src/ops/auth-kubernetes.ts";
import { ManualClock } from "../certs/manual-clock.ts";

const alice: User = { username: "alice", uid: "1", groups: ["ops"], extra: {} };

function auth(change: Partial<Parameters<typeof createAuth>[0]> = {}) {
  const failures: unknown[] = [];
  const created = createAuth({
    checkToken: async (token) => (token === "good" ? alice : undefined),
    checkAccess: async () => true,
    onFailure: (error) => failures.push(error),
    ...change,
  });
  return { ...created, failures };
}

const headers: Record<string, { authorization: string | undefined; passes: boolean }> = {
  "a bearer token": { authorization: "Bearer good", passes: true },
  "the scheme in another case": { authorization: "bearer  good ", passes: true },
  "no header": { authorization: undefined, passes: false },
  "another scheme": { authorization: "Basic good", passes: false },
  "a token that nobody knows": { authorization: "Bearer bad", passes: false },
  "two tokens": { authorization: "Bearer good good", passes: false },
  "an empty token": { authorization: "Bearer ", passes: false },
  "a token of 20 KB": { authorization: `Bearer ${"g".repeat(20_000)}`, passes: false },
};
for (const [name, { authorization, passes }] of Object.entries(headers)) {
  test(`${name} ${passes ? "passes" : "gets 401"}`, async () => {
    const answer = await auth().authenticate({ authorization });
    assert.deepEqual(
      answer,
      passes ? { user: alice } : { status: 401, message: "a valid bearer token is needed" },
    );
  });
}

test("who may not is told what; who can't be checked is asked to try again", async () => {
  const path = { verb: "get", path: "/metrics" };
  const queue = { verb: "get", group: "claims.beskar7.io", resource: "claimrequests", namespace: "" };
  const denying = auth({ checkAccess: async () => false });
  assert.deepEqual(await denying.authorize(alice, path), {
    status: 403,
    message: "alice may not get /metrics",
  });
  assert.deepEqual(await denying.authorize(alice, queue), {
    status: 403,
    message: "alice may not get claimrequests.claims.beskar7.io in all namespaces",
  });
  const away = async () => {
    throw new Error("away");
  };
  const failing = auth({ checkToken: away, checkAccess: away });
  const unreachable = { status: 503, message: "rights can't be checked now" };
  assert.deepEqual(await failing.authenticate({ authorization: "Bearer good" }), unreachable);
  assert.deepEqual(await failing.authorize(alice, path), unreachable);
  assert.equal(failing.failures.length, 2);
});

test("the open door knows nobody and refuses nobody", async () => {
  const who = await openAuth.authenticate({});
  assert("user" in who && who.user.username === "system:anonymous");
  assert.deepEqual(await openAuth.authorize(who.user, { verb: "get", path: "/x" }), { allowed: true });
});

function reviews(status: (object: KubeObject) => object) {
  const asked: KubeObject[] = [];
  const clock = new ManualClock(0);
  const create = async (_type: unknown, object: KubeObject) => {
    asked.push(object);
    return { ...object, status: status(object) };
  };
  return { asked, clock, api: { create } };
}

test("a token is reviewed once in ten seconds, and again after that", async () => {
  const { asked, clock, api } = reviews(() => ({ authenticated: true, user: { username: "alice" } }));
  const check = checkTokenByReview({ api, clock });
  await Promise.all([check("t"), check("t")]);
  clock.advance(9_999);
  await check("t");
  assert.equal(asked.length, 1);
  clock.advance(1);
  await check("t");
  assert.equal(asked.length, 2);
});

test("a token for other audiences is nobody's", async () => {
  const user = { username: "alice" };
  for (const [audiences, passes] of [
    [["ours"], true],
    [["theirs"], false],
    [undefined, false],
  ] as const) {
    const { clock, api } = reviews(() => ({ authenticated: true, user, audiences }));
    const found = await checkTokenByReview({ api, clock, audiences: ["ours"] })("t");
    assert.equal(found !== undefined, passes);
  }
});

test("rights are asked for with everything that is known of the user, and kept apart by user and access", async () => {
  const { asked, clock, api } = reviews(({ spec }) => ({
    allowed: (spec as { user: string }).user === "alice",
  }));
  const check = checkAccessByReview({ api, clock });
  const access = { verb: "get", path: "/metrics" };
  assert.equal(await check(alice, access), true);
  assert.equal(await check({ ...alice, username: "bob" }, access), false);
  assert.equal(await check(alice, { verb: "get", path: "/other" }), true);
  assert.equal(asked.length, 3);
  assert.deepEqual(asked[0]?.spec, {
    user: "alice",
    uid: "1",
    groups: ["ops"],
    extra: {},
    nonResourceAttributes: access,
  });
});

test("the cache holds no more than its limit, and forgets what failed", async () => {
  const cache = new AnswerCache<number>({ clock: new ManualClock(0), lifeMs: 1_000, limit: 10 });
  for (let key = 0; key < 100; key += 1) await cache.get(String(key), async () => key);
  assert.equal(cache.size, 10);
  await assert.rejects(cache.get("x", () => Promise.reject(new Error("no"))));
  assert.equal(await cache.get("x", async () => 7), 7);
});
