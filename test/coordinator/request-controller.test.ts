import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { RequestController } from "../../src/coordinator/request-controller.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import { silentLog } from "../../src/log.ts";
import { setUp } from "./replica-parts.ts";

/** As long as anything at all can still happen at this moment. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** A controller whose replica has more urgent work until it is said that it has not. */
async function busyController(t: TestContext) {
  const parts = await setUp("host-1");
  const { api, claim, clock, host, take, world } = parts;
  await take("host-1");
  await claim("host-1");
  world.setHost(await host("host-1"));
  const end = new AbortController();
  t.after(() => end.abort());
  const state = { busy: true };
  const controller = new RequestController({
    api,
    world,
    clock,
    log: silentLog,
    random: () => 0.5,
    profileFor: profileForKind,
    profileForMachine: profileForMachineKind,
    graceMs: (action) => (action === "markBound" && state.busy ? 30_000 : 0),
    parallelism: 1,
  });
  controller.start(end.signal);
  await settled();
  return { ...parts, controller, state };
}

describe("while there is more urgent work, that a request is Bound", () => {
  test("is not noted before there is none any more", async (t) => {
    const { clock, controller, request, state } = await busyController(t);
    await clock.advance(29_999);
    await settled();
    assert.equal((await request()).phase, "Binding");
    state.busy = false;
    controller.catchUp();
    await settled();
    assert.equal((await request()).phase, "Bound");
  });

  test("is noted all the same when that lasts too long", async (t) => {
    const { clock, request } = await busyController(t);
    await clock.advance(30_000);
    await settled();
    assert.equal((await request()).phase, "Bound");
  });
});
