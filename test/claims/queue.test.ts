import assert from "node:assert/strict";
import { test } from "node:test";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost, LARGE, POOL, randomClaim, randomHost } from "./generate.ts";
import { Random } from "./random.ts";

const gpu = { ...NO_REQUIREMENTS, requiredTags: ["gpu"] };
const gpuHost = aHost("g1", { labels: { gpu: "a100" } });
const plainHost = aHost("p1");
const first = aClaim("first", { createdAtMs: 1_000, requirements: gpu });
const second = aClaim("second", { createdAtMs: 2_000 });
const third = aClaim("third", { createdAtMs: 3_000 });

function queueOf(hosts: (typeof gpuHost)[], claims: (typeof first)[]): ClaimQueue {
  const queue = new ClaimQueue();
  for (const host of hosts) queue.setHost(host);
  for (const claim of claims) queue.setClaim(claim);
  return queue;
}

test("a claim that needs a rare host does not block another from a plain one", () => {
  const queue = queueOf([gpuHost, plainHost], [first]);
  assert.equal(queue.displaced(second, plainHost.uid), null);
  assert.equal(queue.displaced(second, gpuHost.uid)?.id, first.id);
});

test("a claim that fits nothing blocks nobody", () => {
  const queue = queueOf([plainHost], [first]);
  assert.equal(queue.displaced(second, plainHost.uid), null);
});

test("a claim is not its own obstacle", () => {
  const queue = queueOf([plainHost], [second]);
  assert.equal(queue.displaced(second, plainHost.uid), null);
});

test("a waiting claim counts with the priority that it has in the queue", () => {
  const queue = queueOf([plainHost], [second, third]);
  assert.equal(queue.displaced({ ...third, createdAtMs: 0 }, plainHost.uid)?.id, second.id);
});

test("an answer is not remembered beyond a claim that pushes another of its kind out", () => {
  const needs = (key: string) => ({ ...NO_REQUIREMENTS, requiredTags: [key] });
  const claim = (name: string, key: string, createdAtMs: number) =>
    aClaim(name, { createdAtMs, requirements: needs(key) });
  const hosts = ["h1", "h2", "h3"].map((name) => aHost(name, { labels: { a: "", b: "" } }));
  const queue = queueOf(hosts, [claim("a1", "a", 1), claim("a5", "a", 5), claim("b4", "b", 4)]);
  const late = aClaim("late", { createdAtMs: 9 });
  assert.equal(queue.displaced(late, "uid-h1")?.consumer.name, "a5");
  queue.setClaim(claim("a2", "a", 2));
  assert.equal(queue.displaced(late, "uid-h1")?.consumer.name, "b4");
});

test("a host that is not in the queue costs nobody a place", () => {
  assert.equal(queueOf([], [first, second]).displaced(third, "uid-elsewhere"), null);
});

test("a claim leaves the rare host to others where it can, and prefers names in order", () => {
  const queue = queueOf(
    [gpuHost, aHost("p2"), plainHost],
    [second, aClaim("late", { createdAtMs: 9_000, requirements: gpu })],
  );
  assert.equal(queue.choose(second.id), plainHost.uid);
});

test("of hosts that cost nobody a place, the preferred one is chosen, then the one that is known to fit", () => {
  const known = aHost("z1", { hardware: { cpuCores: 8, memoryGB: 64, diskGB: 500 } });
  const liked = aHost("z2", { labels: { fast: "" } });
  const requirements = { ...NO_REQUIREMENTS, preferredTags: ["fast"], minCPUCores: 4 };
  const queue = queueOf([plainHost, known], [{ ...second, requirements }]);
  assert.equal(queue.choose(second.id), known.uid);
  queue.setHost(liked);
  assert.equal(queue.choose(second.id), liked.uid);
});

test("a claim without a place chooses nothing, and one that is not there neither", () => {
  const queue = queueOf([plainHost], [second, third]);
  assert.equal(queue.choose(third.id), null);
  assert.equal(queue.choose("Beskar7Machine/default/nobody"), null);
});

test("pools do not compete, and are gone with their last host and claim", () => {
  const queue = queueOf([plainHost, aHost("x1", { namespace: "other" })], [second]);
  queue.setClaim({ ...third, pool: "PhysicalHost/other" });
  assert.deepEqual(queue.pools(), [
    { pool: POOL, freeHosts: 1, waiting: 1, placed: 1 },
    { pool: "PhysicalHost/other", freeHosts: 1, waiting: 1, placed: 1 },
  ]);
  assert.deepEqual(
    [...queue.place()].map(({ claim, hostUid }) => [claim.id, hostUid]),
    [
      [second.id, plainHost.uid],
      [third.id, "uid-x1"],
    ],
  );
  queue.removeHost("uid-x1");
  queue.removeClaim(third.id);
  assert.deepEqual(
    queue.pools().map(({ pool }) => pool),
    [POOL],
  );
});

test("a host that moves to another namespace, and a claim that moves to another pool, leave the old one", () => {
  const queue = queueOf([plainHost], [second]);
  queue.setHost({ ...plainHost, namespace: "other" });
  assert.equal(queue.choose(second.id), null);
  queue.setClaim({ ...second, pool: "PhysicalHost/other" });
  assert.equal(queue.choose(second.id), plainHost.uid);
  assert.equal(queue.depth(POOL), 0);
});

test("position, depth, oldest and waiting follow priority and age", () => {
  const raised = { ...third, bonusPoints: 10 };
  const queue = queueOf([], [first, second, raised]);
  assert.deepEqual(queue.waiting(POOL), [raised, first, second]);
  assert.deepEqual(
    [first, second, raised].map(({ id }) => queue.position(id)),
    [2, 3, 1],
  );
  assert.equal(queue.position("nobody"), 0);
  assert.equal(queue.oldest(), first);
  assert.equal(queue.oldest("PhysicalHost/other"), null);
  assert.deepEqual([queue.depth(), queue.depth(POOL), queue.depth("PhysicalHost/other")], [3, 3, 0]);
});

test("the newest state of a claim is the one that is answered, also where nothing that matters changed", () => {
  const queue = queueOf([plainHost], [second]);
  const newer = { ...second, consumer: { ...second.consumer, apiVersion: "v2" } };
  queue.setClaim(newer);
  assert.equal(queue.displaced(third, plainHost.uid), newer);
  assert.equal(queue.getClaim(second.id), newer);
});

test("a host is explained by who gets it, a claim by who is ahead and what is wrong with each host", () => {
  const queue = queueOf([gpuHost, plainHost], [first, second, { ...third, requirements: gpu }]);
  assert.equal(queue.explainHost(gpuHost.uid)?.id, first.id);
  assert.equal(queue.explainHost("uid-elsewhere"), null);
  const outlook = queue.explainClaim(third.id)!;
  assert.equal(outlook.position, 3);
  assert.equal(outlook.hostUid, null);
  assert.deepEqual(outlook.ahead, [first, second]);
  assert.deepEqual(
    [...outlook.hosts].map(({ host, fits, reasons, neededBy }) => [host.name, fits, reasons, neededBy?.id]),
    [
      ["g1", true, [], first.id],
      ["p1", false, ["it has no label gpu"], undefined],
    ],
  );
  assert.equal(queue.explainClaim("nobody"), null);
});

test("a claim whose order would not be exact is refused", () => {
  const queue = new ClaimQueue();
  assert.throws(() => queue.setClaim(aClaim("m1", { createdAtMs: Number.NaN })), RangeError);
  assert.throws(() => queue.setClaim(aClaim("m1", { bonusPoints: 0.5 / 60_000 })), RangeError);
  assert.equal(queue.depth(), 0);
});

test("loading at once ends where single changes end", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const hosts = Array.from({ length: 60 }, () => randomHost(random, LARGE));
    const claims = Array.from({ length: 60 }, () => randomClaim(random, LARGE));
    const single = queueOf(hosts, claims);
    const atOnce = queueOf(hosts.slice(0, 20), claims.slice(40));
    atOnce.load(() => {
      for (const host of hosts) atOnce.setHost(host);
      for (const claim of claims) atOnce.setClaim(claim);
    });
    assert.deepEqual([...atOnce.place()], [...single.place()], `seed ${seed}`);
  }
});

test("a queue that is loading answers no questions, and does again when loading failed", () => {
  const queue = queueOf([plainHost], [second]);
  assert.throws(
    () =>
      queue.load(() => {
        queue.setClaim(third);
        queue.displaced(third, plainHost.uid);
      }),
    /asked while it is loading/,
  );
  assert.equal(queue.displaced(third, plainHost.uid), second);
});

test("one host that turns out to differ from many alike is told apart from them, and they from it", () => {
  const alike = Array.from({ length: 60 }, (_, n) => aHost(`p${String(n).padStart(2, "0")}`));
  const queue = queueOf([...alike, { ...gpuHost, name: "p30-gpu" }], [second]);
  queue.setClaim(first);
  assert.equal(queue.displaced(second, gpuHost.uid), first);
  assert.equal(queue.displaced(second, alike[31]!.uid), null);
  assert.deepEqual(
    [...queue.place()].map(({ claim, hostUid }) => [claim.id, hostUid]),
    [
      [first.id, gpuHost.uid],
      [second.id, alike[0]!.uid],
    ],
  );
  for (const { uid } of alike) queue.removeHost(uid);
  assert.deepEqual(
    [...queue.place()].map(({ hostUid }) => hostUid),
    [gpuHost.uid],
  );
});

test("hosts are chosen by name, and by uid while a host and its successor are both there", () => {
  const twins = ["b", "a", "c"].map((letter) => ({ ...aHost("twin"), uid: `twin-${letter}` }));
  const queue = queueOf([...twins, aHost("z"), aHost("b")], []);
  for (const name of ["1", "2", "3", "4", "5"]) queue.setClaim(aClaim(name, { createdAtMs: Number(name) }));
  assert.deepEqual(
    [...queue.place()].map(({ hostUid }) => hostUid),
    ["uid-b", "twin-a", "twin-b", "twin-c", "uid-z"],
  );
});
