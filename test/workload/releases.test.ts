import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { CurrentRelease } from "../../src/workload/current-release.ts";
import { Release034 } from "../../src/workload/release-034.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MACHINE = beskar7Machine({ name: "machine-1" });
const NEVER = new AbortController().signal;

const refusal = (code: number) =>
  new KubeError("KUBE_STATUS", `refused with ${code}`, {
    status: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code },
  });

/** Only patches, and every one is refused with this code; 0: accepted. */
function answering(code: number) {
  const tried: string[] = [];
  const bodies: unknown[] = [];
  const patch: KubeApi["patch"] = async (_type, { name }, { body }) => {
    tried.push(name);
    bodies.push(body);
    if (code !== 0) throw refusal(code);
    return physicalHost({ name });
  };
  return { api: { patch } as KubeApi, tried, bodies };
}

const hosts = (...names: string[]) => names.map((name) => physicalHost({ name }));

test("the current release sleeps a minute after a second conflict in a row, and again after every other one", async () => {
  const { api } = answering(409);
  const release = new CurrentRelease({ api, random: () => 0, fieldManager: "test" });
  const outcomes = [];
  for (let i = 0; i < 4; i++) outcomes.push(await release.claim(MACHINE, hosts("a"), NEVER));
  const sleep = { outcome: "waits", forMs: 60_000 };
  assert.deepEqual(outcomes, [{ outcome: "again" }, sleep, { outcome: "again" }, sleep]);
});

test("the current release takes a random host of those that are free, as it was read", async () => {
  const { api, tried, bodies } = answering(0);
  const release = new CurrentRelease({ api, random: () => 0.99, fieldManager: "test" });
  const candidates = [...hosts("a", "b"), physicalHost({ name: "c", state: "InUse" })];
  assert.deepEqual(await release.claim(MACHINE, candidates, NEVER), { outcome: "claimed" });
  assert.deepEqual(tried, ["b"]);
  const { apiVersion, kind, metadata } = MACHINE;
  const { namespace, name, uid } = metadata;
  const consumerRef = { apiVersion, kind, namespace, name, uid };
  assert.deepEqual(bodies, [{ metadata: { resourceVersion: "1" }, spec: { consumerRef } }]);
});

test("the current release sends nothing while no host is free", async () => {
  const { api, tried } = answering(0);
  const release = new CurrentRelease({ api, random: () => 0, fieldManager: "test" });
  const none = [physicalHost({ state: "Inspecting" })];
  assert.deepEqual(await release.claim(MACHINE, none, NEVER), { outcome: "waits", forMs: 60_000 });
  assert.deepEqual(tried, []);
});

function release034(code: number, kindKnown = false) {
  const clock = new FakeClock();
  const server = answering(code);
  const known = new Map<string, KubeObject>(hosts("a", "b").map((host) => [host.metadata.name, host]));
  const release = new Release034({
    api: server.api,
    clock,
    fieldManager: "test",
    kindKnown,
    cachedHost: ({ name }) => known.get(name),
  });
  return { ...server, clock, release, attempt: release.claim(MACHINE, [...known.values()], NEVER) };
}

test("v0.3.4 tries each host five times with growing pauses while there are conflicts", async () => {
  const { tried, clock, attempt } = release034(409);
  await clock.advance(999);
  assert.deepEqual(new Set(tried.slice(0, 4)).size, 1);
  assert.equal(tried.length, 4);
  await clock.advance(1);
  await clock.advance(1_000);
  assert.equal(tried.length, 10);
  assert.equal(new Set(tried).size, 2);
  assert.deepEqual(await attempt, { outcome: "waits", forMs: 60_000 });
});

test("v0.3.4 goes to the next host at once when it is forbidden", async () => {
  const { tried, clock, attempt } = release034(403);
  await clock.advance(0);
  assert.deepEqual([...tried].sort(), ["a", "b"]);
  assert.deepEqual(await attempt, { outcome: "waits", forMs: 60_000 });
  assert.equal(clock.monotonicMs(), 0);
});

const { namespace, name, uid } = MACHINE.metadata;
const WITHOUT_KIND = { namespace, name, uid };
const WITH_KIND = { apiVersion: MACHINE.apiVersion, kind: "Beskar7Machine", ...WITHOUT_KIND };

for (const [how, kindKnown, own, foreign] of [
  ["reads machines directly writes references without kind", false, WITHOUT_KIND, WITH_KIND],
  ["reads machines from a cache writes references with their kind", true, WITH_KIND, WITHOUT_KIND],
] as const) {
  test(`v0.3.4 that ${how}, and recognises only such`, async () => {
    const { bodies, attempt, release } = release034(0, kindKnown);
    assert.deepEqual(await attempt, { outcome: "claimed" });
    const { spec } = bodies[0] as { spec: { consumerRef: Record<string, unknown> } };
    assert.deepEqual(spec.consumerRef, own);
    assert.deepEqual(
      [own, foreign].map((consumerRef) => release.recognises(physicalHost({ consumerRef }), MACHINE)),
      [true, false],
    );
  });
}
