import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Outcomes } from "../../webhooks/outcome.ts";
import { decodeReview, type ReviewRequest } from "../../webhooks/review.ts";
import type { Verdict } from "../../webhooks/verdict.ts";
import { host } from "../coordinator/builders.ts";
import { physicalHost } from "../fixtures/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RecordingLog } from "../support/recording-log.ts";

const consumer = { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name: "m-1", uid: "" };
const CLAIM: Verdict = {
  decision: { allow: true, mode: "leader", takesBinding: true },
  profile: null,
  host: host("host-1"),
  consumer,
  requester: {
    username: "system:serviceaccount:beskar7-system:coordinator",
    groups: [],
    podName: "coordinator-0",
    serviceAccountNamespace: "beskar7-system",
    serviceAccountName: "coordinator",
  },
  requesterIsHolder: true,
  holder: { kind: "none" },
  intent: { term: "lease/4/coordinator-0", hosts: "1", requests: "1", machines: "1", nonce: "n" },
  brokeGlass: false,
};

function review(): ReviewRequest {
  const object = physicalHost({ name: "host-1" });
  const decoded = decodeReview(
    JSON.stringify({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: {
        uid: "review-1",
        operation: "UPDATE",
        resource: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", resource: "physicalhosts" },
        namespace: "default",
        name: "host-1",
        userInfo: { username: CLAIM.requester.username },
        object,
        oldObject: object,
      },
    }),
  );
  assert.ok(decoded.ok);
  return decoded.request;
}

function outcomesAndLog() {
  const log = new RecordingLog();
  const clock = new FakeClock();
  return { log, outcomes: new Outcomes({ clock, log, rejectionCode: 409, onDecision() {} }) };
}

const TOLD = ["webhook", "uid", "namespace", "host", "requester", "verdict", "latencyMs"];

describe("each decision is told in one line", () => {
  test("also the leader's own claim, once for both of its reviews", () => {
    const { log, outcomes } = outcomesAndLog();
    outcomes.allow("mutate", review(), CLAIM, 0);
    outcomes.allow("validate", review(), CLAIM, 0);
    const lines = log.lines.filter(({ level }) => level === "info");
    assert.equal(lines.length, 1);
    assert.deepEqual(
      TOLD.filter((key) => !(key in lines[0]!.fields)),
      [],
    );
    const { consumer: who, verdict, pod } = lines[0]!.fields as Record<string, unknown>;
    assert.deepEqual([who, verdict, pod], ["Beskar7Machine/default/m-1", "allow", "coordinator-0"]);
  });

  test("also what failed inside, with who asked and for which host", () => {
    for (const [failure, level] of [
      [{ code: "Internal", cause: new Error("a fault"), tookMs: 7 }, "error"],
      [{ code: "Overloaded" }, "warn"],
      [{ code: "DeadlineExceeded", tookMs: 5_000 }, "warn"],
    ] as const) {
      const { log, outcomes } = outcomesAndLog();
      outcomes.fail("validate", review(), failure);
      assert.equal(log.lines.length, 1);
      const { fields, level: toldAt } = log.lines[0]!;
      assert.equal(toldAt, level);
      assert.deepEqual(
        TOLD.filter((key) => !(key in fields)),
        [],
      );
      const { host: name, requester, verdict, latencyMs } = fields as Record<string, unknown>;
      assert.deepEqual([name, requester, verdict], ["host-1", CLAIM.requester.username, "reject"]);
      assert.equal(latencyMs, "tookMs" in failure ? failure.tookMs : 0);
    }
  });
});
