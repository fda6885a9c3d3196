import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Holder } from "../../src/coordinator/holder.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { Outcomes } from "../../webhooks/outcome.ts";
import type { ReviewRequest } from "../../webhooks/review.ts";
import { createValidate, type ValidateOptions } from "../../webhooks/validate.ts";
import { reasonOf } from "../../webhooks/verdict.ts";
import { host, machine, newWorld } from "../coordinator/builders.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { claimBy, newJudge } from "./judge.ts";

function lease(resourceVersion: string, holderIdentity: string, leaseTransitions: number): KubeObject {
  return {
    metadata: { name: "l", uid: "u1", resourceVersion },
    spec: { holderIdentity, leaseDurationSeconds: 15, leaseTransitions },
  };
}

/** What /validate says when the Lease becomes `meanwhile` while the binding is being written; `told`: by the watch. */
async function validated(
  claim: ReviewRequest,
  before: KubeObject | null,
  meanwhile: KubeObject,
  told = true,
) {
  const world = newWorld();
  world.setHost(host("host-1"));
  world.setMachine(machine("machine-1"));
  const clock = new FakeClock();
  let stored = before ?? lease("1", "", 0);
  const api = { get: async () => stored } as unknown as KubeApi;
  const holder = new Holder({
    api,
    clock,
    leaseNamespace: "",
    leaseName: "l",
    retryPeriodMs: RETRY_PERIOD_MS,
  });
  if (before !== null) holder.note(before);
  const judge = newJudge({ world, holder, clock });
  const outcomes = new Outcomes({ clock, log: silentLog, rejectionCode: 409, onDecision() {} });
  const refusals = {
    refuse: async (_webhook: string, _request: unknown, verdict: Parameters<typeof reasonOf>[0]) => ({
      allowed: false,
      reason: reasonOf(verdict),
    }),
  };
  const bindings = {
    take: async () => {
      stored = meanwhile;
      if (told) holder.note(meanwhile);
      else await clock.advance(RETRY_PERIOD_MS + 1);
      return { ok: true };
    },
  };
  const validate = createValidate({
    ...{ judge, outcomes, world, clock, log: silentLog, canBind: () => true },
    ...({ refusals, bindings } as unknown as Pick<ValidateOptions, "refusals" | "bindings">),
  });
  const answer = await validate(claim, new AbortController().signal);
  return "reason" in answer ? answer.reason : answer.allowed;
}

const RETRY_PERIOD_MS = 2_000;
const ENDING = lease("3", "pod-a", 0);
const NEXT = lease("4", "pod-b", 1);

describe("while a binding is being written", () => {
  test("a leader whose term ends is refused: its write would be another's to make", async () => {
    const claim = claimBy("pod-a", "u1/0/pod-a");
    assert.equal(await validated(claim, ENDING, NEXT), "Delegated");
    assert.equal(await validated(claim, ENDING, lease("5", "pod-a", 2)), "FencedOut");
  });

  test("somebody begins to lead: who claimed for himself is told to wait", async () => {
    assert.equal(await validated(claimBy("pod-c", null), null, NEXT), "Delegated");
  });

  test("nobody leads, as it was read: after a retry period it is read again, whatever watches tell", async () => {
    assert.equal(await validated(claimBy("pod-c", null), null, NEXT, false), "Delegated");
    assert.equal(await validated(claimBy("pod-c", null), null, lease("2", "", 0), false), true);
  });

  test("a renewal changes nothing", async () => {
    const renewed = lease("4", "pod-a", 0);
    assert.equal(await validated(claimBy("pod-a", "u1/0/pod-a"), ENDING, renewed), true);
  });
});
