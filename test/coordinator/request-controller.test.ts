import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { consumerKey } from "../../src/claims/claim.ts";
import {
  RequestController,
  type RequestControllerOptions,
} from "../../src/coordinator/request-controller.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import { silentLog } from "../../src/log.ts";
import { setUp } from "./replica-parts.ts";

/** As long as anything at all can still happen at this moment. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

function start(
  t: TestContext,
  { api, world, clock }: Awaited<ReturnType<typeof setUp>>,
  options: Pick<RequestControllerOptions, "graceMs" | "term">,
): RequestController {
  const end = new AbortController();
  t.after(() => end.abort());
  const controller = new RequestController({
    api,
    world,
    clock,
    log: silentLog,
    random: () => 0.5,
    profileFor: profileForKind,
    profileForMachine: profileForMachineKind,
    parallelism: 1,
    ...options,
  });
  controller.start(end.signal);
  return controller;
}

/** A controller whose replica has more urgent work until it is said that it has not. */
async function busyController(t: TestContext) {
  const parts = await setUp("host-1");
  const { claim, host, take, world } = parts;
  await take("host-1");
  await claim("host-1");
  world.setHost(await host("host-1"));
  const state = { busy: true };
  const controller = start(t, parts, {
    graceMs: (action) => (action === "markBound" && state.busy ? 30_000 : 0),
    term: () => "",
  });
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

describe("that a claim is held back", () => {
  const TERM = "lease/3/pod-1_a";

  /** Its processor has put it off, and has said so. */
  async function heldBack(t: TestContext, term: string) {
    const parts = await setUp();
    const { applicant, bindings, consumer, recorder, request, world } = parts;
    await recorder.ensure(applicant, {});
    world.suspend(consumerKey(consumer), true);
    await bindings.holdBack(await request(), TERM);
    const controller = start(t, parts, { graceMs: () => 0, term: () => term });
    await settled();
    const resumed = async () => {
      world.suspend(consumerKey(consumer), false);
      controller.enqueue((await request()).uid);
      await settled();
      return (await request()).heldBackTerm;
    };
    return { ...parts, resumed };
  }

  test("stands in its request until it is no longer", async (t) => {
    const { request, resumed } = await heldBack(t, TERM);
    assert.equal((await request()).heldBackTerm, TERM);
    assert.equal(await resumed(), "");
  });

  test("is not taken back by whoever does not hold that term", async (t) => {
    for (const term of ["", "lease/4/pod-2_b"])
      assert.equal(await (await heldBack(t, term)).resumed(), TERM, term);
  });

  test("stays while it is being bound: the binding takes it back", async (t) => {
    const { consumer, resumed, world } = await heldBack(t, TERM);
    world.reserve(consumerKey(consumer), "uid-of-a-host");
    assert.equal(await resumed(), TERM);
  });
});
