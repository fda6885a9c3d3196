import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyWindow } from "../../src/queue/latency.ts";
import { RecentLeaders, viewLeader } from "../../src/queue/leadership.ts";
import { RecentDecisions } from "../../src/queue/recent-decisions.ts";
import { decision, delegated } from "./decisions.ts";
import { NOW_MS } from "./world.ts";

function decisionsOf(...records: Parameters<RecentDecisions["note"]>[0][]): RecentDecisions {
  const decisions = new RecentDecisions();
  for (const record of records) decisions.note(record);
  return decisions;
}

describe("recent decisions", () => {
  it("come the last first", () => {
    const list = decisionsOf(decision({ host: "a" }), decision({ host: "b" })).list(null);
    assert.deepEqual(
      list.map(({ host }) => host),
      ["b", "a"],
    );
  });

  it("count what is tried again as one, at its last time, and put it first", () => {
    const list = decisionsOf(
      delegated({ atMs: 1 }),
      decision({ host: "host-2", atMs: 2 }),
      delegated({ atMs: 3 }),
    ).list(null);
    assert.deepEqual(
      list.map(({ host, times, atMs }) => [host, times, atMs]),
      [
        ["host-1", 2, 3],
        ["host-2", 1, 2],
      ],
    );
  });

  it("keep as many as were asked for, and forget the oldest", () => {
    const decisions = new RecentDecisions(2);
    for (const host of ["a", "b", "c"]) decisions.note(decision({ host }));
    assert.deepEqual(
      decisions.list(null).map(({ host }) => host),
      ["c", "b"],
    );
  });

  it("leave out what decides nothing: /mutate's yes, writes that are no claims, dry runs", () => {
    const decisions = decisionsOf(
      decision({ webhook: "mutate" }),
      decision({ mode: "uninvolved" }),
      delegated({ dryRun: true }),
    );
    assert.deepEqual([decisions.list(null), decisions.rejections(null)], [[], []]);
  });

  it("are told for one namespace without a word of the others", () => {
    const decisions = decisionsOf(delegated({ namespace: "team-a" }), delegated({ namespace: "team-b" }));
    assert.deepEqual(
      decisions.list("team-a").map(({ namespace }) => namespace),
      ["team-a"],
    );
    assert.deepEqual(decisions.rejections("team-a"), [{ reason: "Delegated", count: 1 }]);
    assert.deepEqual(decisions.rejections(null), [{ reason: "Delegated", count: 2 }]);
  });
});

describe("latency", () => {
  it("has percentiles that were really measured, by nearest rank", () => {
    const window = new LatencyWindow();
    for (let ms = 100; ms >= 1; ms--) window.note(ms);
    assert.deepEqual(window.percentiles(), { count: 100, p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 });
  });

  it("is null where nothing was measured, and forgets what is long past", () => {
    const window = new LatencyWindow();
    assert.deepEqual(window.percentiles(), {
      count: 0,
      p50Ms: null,
      p90Ms: null,
      p99Ms: null,
      maxMs: null,
    });
    window.note(1_000);
    for (let i = 0; i < 2_048; i++) window.note(1);
    assert.equal(window.percentiles().maxMs, 1);
  });

  it("of each webhook is its own", () => {
    const { mutate, validate } = decisionsOf(decision({ webhook: "mutate", tookMs: 7 })).latency();
    assert.deepEqual([mutate.maxMs, validate.count], [7, 0]);
  });
});

describe("leadership", () => {
  const term = { leaseUid: "u", leaseTransitions: 4, holderIdentity: "coordinator-0_x" };
  const record = {
    uid: "u",
    resourceVersion: "1",
    holderIdentity: "coordinator-0_x",
    leaseDurationSeconds: 15,
    leaseTransitions: 4,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:09:59.000000Z",
    signedBy: "",
  };

  it("tells who leads, since when and in which term", () => {
    assert.deepEqual(viewLeader({ kind: "valid", term, foreign: false }, record), {
      state: "ours",
      identity: "coordinator-0_x",
      term: "u/4/coordinator-0_x",
      since: "2026-01-01T00:00:00.000Z",
      transitions: 4,
    });
  });

  it("names nobody once the Lease has run out, whatever it still says", () => {
    const { state, identity, since, transitions } = viewLeader({ kind: "none" }, record);
    assert.deepEqual([state, identity, since, transitions], ["none", null, null, 4]);
  });

  it("keeps the last twenty events", () => {
    const leaders = new RecentLeaders();
    for (let i = 0; i < 25; i++) leaders.note("new_leader", `coordinator-${i}`, NOW_MS + i);
    assert.equal(leaders.list().length, 20);
    assert.equal(leaders.list()[0]?.identity, "coordinator-24");
  });
});
