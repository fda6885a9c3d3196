import assert from "node:assert/strict";
import { test } from "node:test";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { freeTimesMs, holdersOf, invertedPairs, safetyViolations } from "../../src/workload/checks.ts";
import type { HostEvent } from "../../src/workload/history.ts";
import { claimOf } from "../contention/pool.ts";
import { beskar7Machine, physicalHost, uidOf } from "../fixtures/objects.ts";

/** "host consumer" of each event in turn; "-" for nobody, "gone" for a deletion. */
function history(...steps: string[]): HostEvent[] {
  return steps.map((step, i) => {
    const [name = "", consumer = ""] = step.split(" ");
    const [machine = "", uid = uidOf(machine)] = consumer.split("#");
    const consumerRef = { kind: "Beskar7Machine", namespace: "default", name: machine, uid };
    const held = consumer !== "-" && consumer !== "gone";
    const object = physicalHost({ name, resourceVersion: String(i + 1), ...(held && { consumerRef }) });
    const host = physicalHostProfile.readHost(object);
    return { type: consumer === "gone" ? "DELETED" : "MODIFIED", host, atMs: i * 10 };
  });
}

test("a history in which hosts are released before they change hands is safe", () => {
  assert.deepEqual(safetyViolations(history("h1 a", "h1 -", "h1 b", "h2 a", "h2 a", "h1 gone", "h3 b")), []);
});

test("a host that goes from one machine to another at once is a violation", () => {
  assert.deepEqual(safetyViolations(history("h1 a#1", "h1 b#2")), [
    "h1 went from Beskar7Machine/default/a (1) to Beskar7Machine/default/b (2) without a release at resourceVersion 2",
  ]);
});

test("a machine that gets a second host while it has one is a violation", () => {
  assert.deepEqual(safetyViolations(history("h1 a#1", "h2 -", "h2 a#1")), [
    "Beskar7Machine/default/a (1) got h2 while it had h1 at resourceVersion 3",
  ]);
});

test("a machine that was made again under its name is another one", () => {
  assert.deepEqual(safetyViolations(history("h1 a#1", "h2 a#2")), []);
});

test("a pair is inverted where the lower claim has a host that would have done for the higher one", () => {
  const older = { creationTimestamp: "2026-01-01T00:00:00Z" };
  const younger = { creationTimestamp: "2026-01-01T00:05:00Z" };
  const gpu = { annotations: { "beskar7.io/required-tags": "gpu" } };
  const claims = [
    claimOf(beskar7Machine({ name: "first", ...older })),
    claimOf(beskar7Machine({ name: "first-gpu", creationTimestamp: "2025-01-01T00:00:00Z", ...gpu })),
    claimOf(beskar7Machine({ name: "later", ...younger })),
  ];
  const after = (step: string) => holdersOf(history(step).map(({ host }) => host));
  assert.equal(invertedPairs(claims, after("h1 later")), 1);
  assert.equal(invertedPairs(claims, after("h1 first")), 0);
});

test("a host stands free from when it can be claimed until it is", () => {
  assert.deepEqual(freeTimesMs(history("h1 -", "h1 -", "h1 a", "h1 -", "h1 b", "h2 -", "h2 gone")), [20, 10]);
});
