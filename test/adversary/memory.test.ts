import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "../../src/clock.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { createAuth } from "../../src/ops/auth.ts";
import { checkAccessByReview, checkTokenByReview } from "../../src/ops/auth-kubernetes.ts";
import { QueueDoor } from "../ops/queue-door.ts";
import { worldOf } from "../queue/world.ts";
import { ReviewDoor } from "./door.ts";
import { reviewOf } from "./reviews.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What an attacker may leave behind of each of his calls; what he sends in one is several times as long. */
const LEAST_BYTES = 150;
/** Caches that are limited are full by then. */
const WARM_UP = 3_000;
const ROUNDS = 5;
const CALLS = 1_500;
const AT_ONCE = 20;
/** In each call, so that whatever keeps a part of it shows; no longer than a review's uid may be. */
const LONG = "x".repeat(240);

async function bytesLeftByEach(call: (index: number) => Promise<unknown>): Promise<number> {
  const calls = async (from: number, to: number) => {
    for (let index = from; index < to; index += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => call(index + at)));
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const heap = [await calls(0, WARM_UP)];
  for (let round = 0; round < ROUNDS; round++) {
    const from = WARM_UP + round * CALLS;
    heap.push(await calls(from, from + CALLS));
  }
  // What grows grows in every round; a pool or a table of the runtime does so in one of them.
  const grown = heap.slice(1).map((bytes, round) => (bytes - heap[round]!) / CALLS);
  return grown.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

/** Every second token is somebody's, and nobody may anything. */
function answerOf({ spec }: KubeObject): KubeObject {
  const { token = "" } = spec as { token?: string };
  const known = Number.parseInt(token, 10) % 2 === 0;
  const status = { authenticated: known, user: { username: token }, allowed: false };
  return { metadata: { name: "" }, status };
}

function tellAndCheck(t: TestContext, bytes: number): void {
  t.diagnostic(`${bytes.toFixed(1)} bytes a call`);
  assert.ok(bytes < LEAST_BYTES, `${bytes} bytes of each call stayed`);
}

describe("no memory is kept", () => {
  it("of reviews by users, for consumers and with annotations that never come again", async (t) => {
    const door = await ReviewDoor.open();
    t.after(() => door.close());
    const bytes = await bytesLeftByEach(async (index) => {
      const word = `${index}-${LONG}`;
      const userInfo = { username: word, uid: word, groups: [word], extra: { [word]: [word] } };
      const review = reviewOf({
        uid: word,
        userInfo,
        after: `made-up-${index}`,
        annotations: { [word]: word },
      });
      const { status, text } = await door.post(JSON.stringify(review));
      assert.equal(status, 200);
      assert.ok(JSON.parse(text).response.status.message.includes(`made-up-${index}`), text);
    });
    tellAndCheck(t, bytes);
  });

  it("of reviews that can't be read", async (t) => {
    const door = await ReviewDoor.open();
    t.after(() => door.close());
    const bytes = await bytesLeftByEach(async (index) => {
      const body = JSON.stringify({ ...reviewOf({ uid: `${index}-${LONG}` }), [`${index}-${LONG}`]: 1 });
      const broken = index % 2 === 0 ? body.slice(0, -1) : body.replace('"metadata"', `"${index}-${LONG}"`);
      const { status, text } = await door.post(broken);
      assert.ok(status === 400 || text.includes("InternalError"), text);
    });
    tellAndCheck(t, bytes);
  });

  it("of questions at the people's door with tokens and names that never come again", async (t) => {
    const api = { create: async (_type: unknown, review: KubeObject) => answerOf(review) } as KubeApi;
    const auth = createAuth({
      checkToken: checkTokenByReview({ api, clock: systemClock }),
      checkAccess: checkAccessByReview({ api, clock: systemClock }),
      onFailure: (error) => assert.fail(String(error)),
    });
    const door = await new QueueDoor(worldOf()).open(auth);
    t.after(() => door.close());
    const bytes = await bytesLeftByEach(async (index) => {
      const name = `${index}-${LONG}`;
      const headers = { authorization: `Bearer ${name}` };
      const answer = await fetch(`${door.url}/api/v1/explain/machine/default/${name}`, { headers });
      await answer.text();
    });
    tellAndCheck(t, bytes);
  });
});
