import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Term } from "../../src/claims/claim.ts";
import { type Clock, sleep } from "../../src/clock.ts";
import type { KubeError } from "../../src/kube/errors.ts";
import { Elector, type ElectorOptions } from "../../src/leader/elector.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { type LeaseApi, LeaseServer, refusal } from "./lease-server.ts";

const OTHER = {
  metadata: { name: "leader", namespace: "ns" },
  spec: { holderIdentity: "other_9", leaseDurationSeconds: 15, leaseTransitions: 3, renewTime: "t1" },
};

describe("Elector", () => {
  let clock: FakeClock;
  let server: LeaseServer;
  let stop: AbortController;
  let log: RecordingLog;
  let fault: KubeError | undefined;
  let events: string[];
  let finished: Promise<void>;

  beforeEach(() => {
    clock = new FakeClock();
    server = new LeaseServer();
    stop = new AbortController();
    log = new RecordingLog();
    fault = undefined;
    events = [];
  });

  function elect(options: Partial<ElectorOptions> = {}): Elector {
    const elector = new Elector({
      api: server.api(() => fault),
      clock,
      log,
      random: () => 0.5,
      namespace: "ns",
      name: "leader",
      identity: "pod-a_1",
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      onStartedLeading: (term: Term) => events.push(`started ${term.leaseTransitions}`),
      onStoppedLeading: () => void events.push("stopped"),
      onNewLeader: (identity) => events.push(`leader ${identity}`),
      ...options,
    });
    server.watchers.add((lease, resourceVersion) => elector.noteLease(lease, resourceVersion));
    finished = elector.run(stop.signal);
    return elector;
  }

  it("creates the Lease and leads under the server's term", async () => {
    const elector = elect();
    await clock.advance(0);
    const uid = server.lease!.metadata.uid!;
    assert.deepEqual(elector.termHolds(), { leaseUid: uid, leaseTransitions: 0, holderIdentity: "pod-a_1" });
    assert.deepEqual(events, ["leader pod-a_1", "started 0"]);
  });

  it("renews, keeping acquireTime, transitions and the term", async () => {
    const elector = elect();
    await clock.advance(0);
    const term = elector.termHolds();
    const { acquireTime, renewTime } = server.spec;
    await clock.advance(60_000);
    assert.deepEqual(elector.termHolds(), term);
    assert.equal(server.spec.acquireTime, acquireTime);
    assert.notEqual(server.spec.renewTime, renewTime);
    assert.equal(server.spec.leaseTransitions, 0);
  });

  it("waits until it has seen the holder's record unchanged for its whole duration", async () => {
    server.create(OTHER);
    const elector = elect();
    await clock.advance(14_999);
    assert.equal(elector.isLeader(), false);
    await clock.advance(2_001);
    assert.equal(elector.isLeader(), true);
    assert.equal(server.spec.leaseTransitions, 4);
    assert.equal(server.spec.holderIdentity, "pod-a_1");
  });

  it("keeps waiting while the holder renews", async () => {
    server.create(OTHER);
    const elector = elect();
    for (let i = 0; i < 10; i++) {
      await clock.advance(10_000);
      server.update({ ...server.lease!, spec: { ...OTHER.spec, renewTime: `t${i + 2}` } });
    }
    assert.equal(elector.isLeader(), false);
    assert.deepEqual(events, ["leader other_9"]);
  });

  for (const [how, act] of Object.entries({
    released: () => server.update({ ...server.lease!, spec: { ...OTHER.spec, holderIdentity: "" } }),
    deleted: () => server.delete(),
  })) {
    it(`takes a ${how} Lease at once when a watch tells of it`, async () => {
      server.create(OTHER);
      const elector = elect();
      await clock.advance(100);
      act();
      await clock.advance(0);
      assert.equal(elector.isLeader(), true);
    });
  }

  it("stops leading when it can't renew before the deadline, and leads again under a new term", async () => {
    const elector = elect();
    await clock.advance(0);
    fault = refusal(503, "ServiceUnavailable");
    await clock.advance(9_999);
    assert.equal(elector.isLeader(), true);
    await clock.advance(1);
    assert.equal(elector.isLeader(), false);
    assert.deepEqual(events.slice(-1), ["stopped"]);
    fault = undefined;
    await clock.advance(4_400);
    assert.deepEqual(events.slice(-1), ["started 1"]);
  });

  it("counts its term from the beginning of a renewal, not from the answer", async () => {
    const prompt = server.api(() => fault);
    const update: LeaseApi["update"] = async (...call) => {
      const answer = await prompt.update(...call);
      await sleep(clock, 4_000);
      return answer;
    };
    const elector = elect({ api: { ...prompt, update } });
    await clock.advance(6_000);
    fault = refusal(503, "ServiceUnavailable");
    await clock.advance(5_999);
    assert.equal(elector.isLeader(), true);
    await clock.advance(1);
    assert.equal(elector.isLeader(), false);
  });

  it("knows that its term is over when it was frozen past the deadline, before it runs anything else", async () => {
    let frozenMs = 0;
    const late: Clock = {
      monotonicMs: () => clock.monotonicMs() + frozenMs,
      wallMs: () => clock.wallMs(),
      schedule: (afterMs, fire) => clock.schedule(afterMs, fire),
    };
    const elector = elect({ clock: late });
    await clock.advance(0);
    frozenMs = 10_000;
    assert.equal(elector.termHolds(), null);
  });

  it("distrusts its term when the wall clock shows that the machine was suspended, until it has renewed", async () => {
    const elector = elect();
    await clock.advance(0);
    const term = elector.termHolds();
    clock.jumpWall(10_000);
    assert.equal(elector.termHolds(), null);
    await clock.advance(2_000);
    assert.deepEqual(elector.termHolds(), term);
    clock.jumpWall(-3_600_000);
    assert.deepEqual(elector.termHolds(), term);
  });

  it("stops at once when a watch shows another holder", async () => {
    const elector = elect();
    await clock.advance(100);
    server.update({ ...server.lease!, spec: { ...OTHER.spec } });
    assert.equal(elector.termHolds(), null);
    await clock.advance(0);
    assert.deepEqual(events.slice(-1), ["stopped"]);
    assert.equal(server.spec.holderIdentity, "other_9");
  });

  it("ends its term when its Lease is deleted, and creates another", async () => {
    const elector = elect();
    await clock.advance(100);
    server.delete();
    assert.equal(elector.termHolds(), null);
    await clock.advance(0);
    assert.deepEqual(events.slice(-3), ["stopped", "leader pod-a_1", "started 0"]);
    assert.equal(elector.termHolds()?.leaseUid, server.lease?.metadata.uid);
  });

  it("does not lead on by the late answer to a renewal, when it has seen its Lease deleted since", async () => {
    const api = server.api();
    const elector = elect({
      api: {
        ...api,
        update: async (...call) => {
          const answer = await api.update(...call);
          if (events.at(-1) !== "deleted") {
            events.push("deleted");
            server.delete();
          }
          return answer;
        },
      },
    });
    await clock.advance(1_999);
    assert.equal(elector.isLeader(), true);
    await clock.advance(1);
    assert.deepEqual(events.slice(2, 4), ["deleted", "stopped"]);
  });

  it("renews on top of what others wrote to its Lease", async () => {
    const elector = elect();
    await clock.advance(100);
    const mine = server.lease!;
    server.update({ ...mine, metadata: { ...mine.metadata, labels: { seen: "yes" } } });
    await clock.advance(5_000);
    assert.equal(elector.isLeader(), true);
    assert.deepEqual(server.lease!.metadata.labels, { seen: "yes" });
    assert.deepEqual(events.includes("stopped"), false);
  });

  it("releases the Lease on shutdown, after its work under the term has ended", async () => {
    let drained = () => {};
    const elector = elect({
      onStoppedLeading: () =>
        new Promise<void>((resolve) => {
          drained = resolve;
        }),
    });
    await clock.advance(100);
    stop.abort();
    assert.equal(await isSettled(finished), false);
    assert.equal(elector.termHolds(), null);
    assert.equal(server.spec.holderIdentity, "pod-a_1");
    drained();
    await finished;
    assert.equal(server.spec.holderIdentity, "");
    assert.equal(server.spec.leaseDurationSeconds, 1);
    assert.equal(clock.pending, 0);
  });

  it("does not wait for its work longer than the term would have lasted", async () => {
    elect({ onStoppedLeading: () => new Promise<void>(() => {}) });
    await clock.advance(100);
    stop.abort();
    await clock.advance(9_900);
    await finished;
    assert.equal(server.spec.holderIdentity, "");
  });

  it("leaves a Lease alone that is no longer its own", async () => {
    elect();
    await clock.advance(100);
    server.watchers.clear();
    server.update({ ...server.lease!, spec: { ...OTHER.spec } });
    stop.abort();
    await finished;
    assert.equal(server.spec.holderIdentity, "other_9");
  });

  it("does not stand while there is a reason against it, and says so once", async () => {
    let reason: string | null = "mirrors are not synced";
    const elector = elect({ mayStand: () => reason });
    await clock.advance(30_000);
    assert.equal(server.lease, null);
    assert.equal(log.count("Not standing for election"), 1);
    reason = null;
    await clock.advance(4_400);
    assert.equal(elector.isLeader(), true);
  });

  it("gives the Lease up when it resigns, and stands back for a lease duration", async () => {
    const elector = elect();
    await clock.advance(100);
    elector.resign("no pass completed");
    await clock.advance(0);
    assert.equal(server.spec.holderIdentity, "");
    await clock.advance(14_999);
    assert.equal(elector.isLeader(), false);
    await clock.advance(1);
    assert.equal(elector.isLeader(), true);
  });

  it("writes the three lines of the documentation", async () => {
    elect();
    await clock.advance(0);
    stop.abort();
    await finished;
    for (const line of ["Became leader", "Lost leadership", "New leader elected"]) {
      const fields = log.fields(`${line} for claim coordination`);
      assert.equal(fields.identity, "pod-a_1");
      assert.equal(fields.namespace, "ns");
      assert.equal(fields.lease, "leader");
    }
  });

  it("refuses durations that would let two lead", () => {
    assert.throws(() => elect({ leaseDurationMs: 10_000 }), /leaseDurationMs > renewDeadlineMs/);
    assert.throws(() => elect({ renewDeadlineMs: 2_400 }), /renewDeadlineMs > 1.2 x retryPeriodMs/);
    assert.throws(() => elect({ retryPeriodMs: 0 }), /retryPeriodMs > 0/);
    assert.throws(() => elect({ identity: "" }), /identity/);
  });
});

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}
