import assert from "node:assert/strict";
import { test } from "node:test";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { keepCaBundle } from "../../certs/keep-ca-bundle.ts";
import type { ServingCertificate } from "../../certs/source.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryObjects, memoryApi } from "./memory-api.ts";

test("a registration follows the authority of mounted files, also after a call that failed", async () => {
  const wanted = validatingWebhookConfiguration({ target: { url: "https://127.0.0.1:1" }, caPem: "" });
  const objects = new MemoryObjects();
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted);
  const clock = new ManualClock(0);
  const controller = new AbortController();
  let caPem = "first";
  const source = {
    current: (): ServingCertificate => ({ keyPem: "", certPem: "", caPem, notAfterMs: 0 }),
    onChange: () => () => {},
    start: async () => {},
  };
  let failures = 0;
  const api = memoryApi(objects, async () => {
    if (caPem === "second" && failures === 0) {
      failures += 1;
      throw new Error("away");
    }
  });
  const keeper = new CaBundleKeeper({ api, desired: [wanted], log: silentLog });
  const looks = async () => {
    for (let turn = 0; turn < 20 && clock.waiting === 0; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const done = keepCaBundle({ keeper, source, clock, log: silentLog }, controller.signal);
  await looks();
  assert.equal(keeper.carry(await keeper.read(), "first"), true);
  caPem = "second";
  for (let count = 0; count < 2; count += 1) {
    clock.advance(10_000);
    await looks();
  }
  assert.equal(failures, 1);
  assert.equal(keeper.carry(await keeper.read(), "second"), true);
  controller.abort();
  await done;
});
