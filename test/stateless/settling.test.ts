import assert from "node:assert/strict";
import { test } from "node:test";
import { Holder } from "../../src/coordinator/holder.ts";
import { RequestController } from "../../src/coordinator/request-controller.ts";
import { boundStatus, writeStatus } from "../../src/coordinator/request-status.ts";
import { profileForKind, profileForMachineKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { LiveReads } from "../../src/stateless/live-reads.ts";
import { newWorld } from "../coordinator/builders.ts";
import { setUp } from "../coordinator/replica-parts.ts";

/** As long as anything at all can still happen at this moment. */
const settled = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

test("what somebody else has settled meanwhile is tried once, then known, and left alone", async (t) => {
  const { api, claim, clock, take, request } = await setUp("host-1");
  await take("host-1");
  await claim("host-1");
  let patches = 0;
  const counting: KubeApi = {
    ...api,
    patch: (...args) => {
      patches++;
      return api.patch(...args);
    },
  };
  const world = newWorld();
  const lease = { leaseNamespace: "beskar7-system", leaseName: "lease", retryPeriodMs: 2_000 };
  const holder = new Holder({ api, clock, ...lease });
  const live = new LiveReads({ api, world, holder, profiles, onMachineProblems() {} });
  const end = new AbortController();
  t.after(() => end.abort());
  const controller = new RequestController({
    api: live.lookingAfterConflicts(counting),
    world,
    clock,
    log: silentLog,
    random: () => 0.5,
    profileFor: profileForKind,
    profileForMachine: profileForMachineKind,
    graceMs: () => 10_000,
    term: () => "",
    parallelism: 1,
  });
  world.onConsumer((key) => controller.enqueue(world.consumer(key)?.request?.uid ?? ""));
  controller.start(end.signal);
  const { namespace, binding } = await request();
  assert.equal(await live.look({ namespace }, { everywhere: false }), null);

  // The leader is faster.
  await writeStatus(api, await request(), boundStatus(binding!, clock.wallMs()), {});
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000);
    await settled();
  }
  assert.equal(patches, 1);
  assert.equal(world.request((await request()).uid)?.phase, "Bound");
});
