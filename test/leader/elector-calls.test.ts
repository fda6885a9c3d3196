/** What the elector asks of the API server, when, and how it takes answers that it had rather not got. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { sleep } from "../../src/clock.ts";
import type { CallOptions, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { Elector, type ElectorOptions } from "../../src/leader/elector.ts";
import { LeaseObservation } from "../../src/leader/observation.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { type LeaseApi, LeaseServer, refusal } from "./lease-server.ts";

const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
/** Of the other holder's Lease. */
const DURATION_MS = 15_000;
const OTHER = {
  metadata: { name: "leader", namespace: "ns" },
  spec: { holderIdentity: "other_9", leaseDurationSeconds: DURATION_MS / 1_000, leaseTransitions: 3 },
};
const UNAVAILABLE = refusal(503, "ServiceUnavailable");
const CONFLICT = refusal(409, "Conflict");

interface Call {
  readonly verb: keyof LeaseApi;
  readonly atMs: number;
  readonly options: CallOptions | undefined;
}

let clock: FakeClock;
let server: LeaseServer;
let stop: AbortController;
let log: RecordingLog;
let calls: Call[];
let leaders: string[];
/** Comes before the server's answer to each call, and may be thrown or awaited instead of it. */
let before: (verb: keyof LeaseApi) => KubeError | Promise<never> | undefined;
let finished: Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  server = new LeaseServer();
  stop = new AbortController();
  log = new RecordingLog();
  calls = [];
  leaders = [];
  before = () => undefined;
});

/** Nothing tells it of changes: it knows what its own calls are answered. */
function elect(options: Partial<ElectorOptions> = {}): Elector {
  const api = server.api();
  const answer = async (
    verb: keyof LeaseApi,
    call: CallOptions | undefined,
    ask: () => Promise<KubeObject>,
  ) => {
    calls.push({ verb, atMs: clock.monotonicMs(), options: call });
    const instead = before(verb);
    if (instead instanceof KubeError) throw instead;
    return instead ?? ask();
  };
  const elector = new Elector({
    api: {
      get: (type, key, call) => {
        assert.deepEqual(key, { namespace: "ns", name: "leader" });
        return answer("get", call, () => api.get(type, key, call));
      },
      create: (type, lease, call) => answer("create", call, () => api.create(type, lease, call)),
      update: (type, lease, call) => answer("update", call, () => api.update(type, lease, call)),
    },
    clock,
    log,
    random: () => 0.25,
    namespace: "ns",
    name: "leader",
    identity: "pod-a_1",
    leaseDurationMs: 15_000,
    renewDeadlineMs: RENEW_DEADLINE_MS,
    retryPeriodMs: RETRY_MS,
    onStartedLeading() {},
    onStoppedLeading() {},
    onNewLeader: (identity) => leaders.push(identity),
    ...options,
  });
  finished = elector.run(stop.signal);
  return elector;
}

const times = (verb: keyof LeaseApi) => calls.filter((call) => call.verb === verb).map(({ atMs }) => atMs);
const lossReason = () => log.fields("Lost leadership for claim coordination").reason;

/** Never answered, but given up with the caller's signal or the call's own limit. */
function hanging(): Promise<never> {
  const { options } = calls.at(-1)!;
  return new Promise((_, reject) => {
    const giveUp = () => reject(new KubeError("KUBE_ABORTED", "aborted"));
    options?.signal?.addEventListener("abort", giveUp);
    clock.schedule(options!.timeoutMs!, giveUp);
  });
}

describe("an elector that stands", () => {
  it("tries again after 1 to 2.2 retry periods, and tells why it failed", async () => {
    before = () => UNAVAILABLE;
    elect();
    const retryMs = RETRY_MS * (1 + 1.2 * 0.25);
    await clock.advance(2 * retryMs);
    assert.deepEqual(
      calls.map(({ verb, atMs }) => [verb, atMs]),
      [0, retryMs, 2 * retryMs].map((atMs) => ["get", atMs]),
    );
    assert.equal(log.fields("Attempt to take the Lease failed").err, UNAVAILABLE);
  });

  it("tries a quarter of a retry period at the most after the holder's record has expired", async () => {
    server.create(OTHER);
    elect();
    await clock.advance(20_000);
    assert.deepEqual(times("update")[0], DURATION_MS + (RETRY_MS / 4) * 0.25);
  });

  it("looks every retry period whether the holder has gone", async () => {
    server.create(OTHER);
    const elector = elect();
    await clock.advance(100);
    server.update({ ...server.lease!, spec: { ...OTHER.spec, holderIdentity: "" } });
    await clock.advance(RETRY_MS * (1 + 1.2 * 0.25) - 101);
    assert.equal(elector.isLeader(), false);
    await clock.advance(1);
    assert.equal(elector.isLeader(), true);
  });

  it("does not believe that there is no Lease when it has been told of one since it asked", async () => {
    before = () => sleep(clock, 1_000).then(() => Promise.reject(refusal(404, "NotFound")));
    const elector = elect();
    await clock.advance(500);
    elector.noteLease({ metadata: { ...OTHER.metadata, uid: "u", resourceVersion: "7" }, spec: OTHER.spec });
    await clock.advance(600);
    assert.deepEqual(leaders, ["other_9"]);
    assert.deepEqual(times("create"), []);
  });

  it("looks at once what became of its Lease when that was deleted before it was told that it has it", async () => {
    const api = server.api();
    const create: LeaseApi["create"] = async (...call) => {
      const made = await api.create(...call);
      if (lossReason() === undefined) {
        server.delete();
        elector.noteLease(null, "900");
      }
      return made;
    };
    const elector: Elector = elect({ api: { ...api, create } });
    await clock.advance(0);
    assert.equal(lossReason(), "the Lease was deleted");
    assert.equal(elector.termHolds()?.leaseUid, server.lease?.metadata.uid);
  });

  it("looks at once what became of its Lease when another had it before it was told that it has it", async () => {
    server.create(OTHER);
    const api = server.api();
    const update: LeaseApi["update"] = async (...call) => {
      const taken = await api.update(...call);
      if (elector.observation.record?.holderIdentity === "other_9") {
        server.update({ ...server.lease!, spec: { ...OTHER.spec, holderIdentity: "other_8" } });
        elector.noteLease(server.lease);
      }
      return taken;
    };
    const elector: Elector = elect({ api: { ...api, update } });
    await clock.advance(DURATION_MS + (RETRY_MS / 4) * 0.25);
    assert.equal(lossReason(), "the Lease was taken over");
    assert.equal(server.spec.holderIdentity, "other_8");
  });

  it("gives each call half the renew deadline", async () => {
    elect();
    await clock.advance(0);
    assert.deepEqual(
      calls.map(({ verb, options }) => [verb, options]),
      [
        ["get", { signal: stop.signal, timeoutMs: RENEW_DEADLINE_MS / 2 }],
        ["create", { signal: stop.signal, timeoutMs: RENEW_DEADLINE_MS / 2 }],
      ],
    );
  });

  it("ends without a complaint when it is stopped in the middle of a call", async () => {
    before = hanging;
    elect();
    await clock.advance(0);
    stop.abort();
    await finished;
    assert.deepEqual(log.lines, []);
  });

  it("is not hurried by being told to resign", async () => {
    server.create(OTHER);
    const elector = elect();
    await clock.advance(100);
    elector.resign("it does not lead");
    await clock.advance(0);
    assert.deepEqual(times("get"), [0]);
  });

  it("tells of a new leader once, also when somebody else told the observation, and of nobody never", async () => {
    const observation = new LeaseObservation();
    const elector = elect({ observation, mayStand: () => "not now" });
    const told = (holderIdentity: string, version: string) => {
      const metadata = { ...OTHER.metadata, uid: "u", resourceVersion: version };
      observation.observe({ metadata, spec: { ...OTHER.spec, holderIdentity } }, clock.monotonicMs());
      elector.noteObservation();
    };
    told("other_9", "1");
    told("other_9", "2");
    told("", "3");
    told("other_8", "4");
    assert.deepEqual(leaders, ["other_9", "other_8"]);
    assert.deepEqual(
      log.lines.filter(({ message }) => message.startsWith("New leader")).map(({ fields }) => fields.leader),
      ["other_9", "other_8"],
    );
  });

  it("tells of the leader that it found when it read the Lease", async () => {
    server.create(OTHER);
    elect();
    await clock.advance(0);
    assert.deepEqual(leaders, ["other_9"]);
  });

  it("tells what keeps it from standing, and that it stands again", async () => {
    let obstacle: string | null = "mirrors are not synced";
    elect({ mayStand: () => obstacle });
    await clock.advance(10_000);
    assert.equal(log.fields("Not standing for election").reason, obstacle);
    assert.equal(log.count("Standing for election"), 0);
    obstacle = null;
    await clock.advance(60_000);
    assert.equal(log.count("Standing for election"), 1);
    assert.equal(log.count("Not standing for election"), 1);
  });

  it("says nothing of standing when nothing has ever kept it from that", async () => {
    elect({ mayStand: () => null });
    await clock.advance(0);
    assert.equal(log.count("Standing for election"), 0);
  });
});

describe("an elector that leads", () => {
  it("renews every retry period, and has seen its own record", async () => {
    const elector = elect();
    await clock.advance(3 * RETRY_MS);
    assert.deepEqual(times("update"), [RETRY_MS, 2 * RETRY_MS, 3 * RETRY_MS]);
    assert.equal(elector.observation.record?.renewTime, server.spec.renewTime);
    assert.deepEqual(leaders, ["pod-a_1"]);
  });

  it("gives a renewal no longer than its term lasts", async () => {
    elect();
    await clock.advance(0);
    before = () => UNAVAILABLE;
    await clock.advance(RENEW_DEADLINE_MS - 1);
    assert.deepEqual(
      calls.filter(({ verb }) => verb === "update").map(({ options }) => options),
      [5_000, 5_000, 4_000, 2_000].map((timeoutMs) => ({ signal: stop.signal, timeoutMs })),
    );
  });

  it("tries again at the next period when a renewal fails for no fault of its own, reading nothing", async () => {
    elect();
    await clock.advance(0);
    before = () => UNAVAILABLE;
    await clock.advance(2 * RETRY_MS);
    assert.deepEqual(times("update"), [RETRY_MS, 2 * RETRY_MS]);
    assert.deepEqual(times("get"), [0]);
    assert.equal(log.count("Renewal of the Lease failed"), 2);
    assert.equal(log.fields("Renewal of the Lease failed").err, UNAVAILABLE);
  });

  it("tries three times at once to write on top of what others write, then waits", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" ? CONFLICT : undefined);
    await clock.advance(2 * RETRY_MS);
    assert.deepEqual(times("update"), [
      RETRY_MS,
      RETRY_MS,
      RETRY_MS,
      2 * RETRY_MS,
      2 * RETRY_MS,
      2 * RETRY_MS,
    ]);
  });

  it("leads on when it can't find out why a renewal was refused", async () => {
    const elector = elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" ? CONFLICT : UNAVAILABLE);
    await clock.advance(RETRY_MS);
    assert.equal(elector.isLeader(), true);
    assert.deepEqual(times("update"), [RETRY_MS]);
    assert.equal(log.fields("The Lease could not be read").err, UNAVAILABLE);
  });

  it("looks three times at once when it was told of another holder, and leads on when that is past", async () => {
    const elector = elect();
    await clock.advance(100);
    const metadata = { ...server.lease!.metadata, resourceVersion: "900" };
    elector.noteLease({ metadata, spec: { ...OTHER.spec } });
    assert.equal(elector.isLeader(), false);
    await clock.advance(RETRY_MS - 100);
    assert.deepEqual(times("update"), [100, 100, 100]);
    await clock.advance(DURATION_MS + RETRY_MS);
    assert.equal(elector.isLeader(), true);
    assert.equal(log.count("Lost leadership for claim coordination"), 0);
  });

  it("says why a term ended", async () => {
    const ends: Record<string, (elector: Elector) => void> = {
      "not renewed in time": () => {
        before = () => UNAVAILABLE;
      },
      "the Lease was deleted": () => server.delete(),
      "the Lease was taken over": () => void server.update({ ...server.lease!, spec: { ...OTHER.spec } }),
      "no pass completed": (elector) => elector.resign("no pass completed"),
      shutdown: () => stop.abort(),
    };
    for (const [reason, end] of Object.entries(ends)) {
      stop = new AbortController();
      server = new LeaseServer();
      log.lines.length = 0;
      before = () => undefined;
      const elector = elect();
      await clock.advance(100);
      const term = elector.termHolds();
      assert.deepEqual(log.fields("Became leader for claim coordination").term, term);
      end(elector);
      await clock.advance(RENEW_DEADLINE_MS);
      assert.equal(lossReason(), reason);
      assert.deepEqual(log.fields("Lost leadership for claim coordination").term, term);
      stop.abort();
      await clock.advance(RENEW_DEADLINE_MS);
      await finished;
    }
  });

  it("ends its term without a complaint when it is stopped in the middle of a renewal", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" && times("update").length === 1 ? hanging() : undefined);
    await clock.advance(RETRY_MS);
    stop.abort();
    await finished;
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 0);
    assert.equal(server.spec.holderIdentity, "");
  });

  it("ends its term without a complaint when it is stopped while it reads what became of its Lease", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" ? CONFLICT : hanging());
    await clock.advance(RETRY_MS);
    before = () => undefined;
    stop.abort();
    await finished;
    assert.equal(log.count("The Lease could not be read"), 0);
    assert.equal(server.spec.holderIdentity, "");
  });

  it("goes on to give the Lease up when what ran under the term fails to stop", async () => {
    const failure = new Error("stuck");
    for (const onStoppedLeading of [() => Promise.reject(failure), () => assert.fail(failure)]) {
      stop = new AbortController();
      server = new LeaseServer();
      log.lines.length = 0;
      elect({ onStoppedLeading });
      await clock.advance(100);
      stop.abort();
      await finished;
      assert.equal(log.fields("Stopping what ran under the term failed").err, failure);
      assert.equal(server.spec.holderIdentity, "");
    }
  });
});

describe("an elector that gives its Lease up", () => {
  it("tells it, and may stand again at once when it was only stopped", async () => {
    const elector = elect();
    await clock.advance(0);
    const term = elector.termHolds();
    stop.abort();
    await finished;
    assert.deepEqual(log.fields("Released the Lease").term, term);
    assert.deepEqual(calls.at(-1)?.options, { timeoutMs: RENEW_DEADLINE_MS / 2 });
    stop = new AbortController();
    finished = elector.run(stop.signal);
    await clock.advance(0);
    assert.equal(elector.isLeader(), true);
    assert.deepEqual(leaders, ["pod-a_1", "pod-a_1"]);
  });

  it("writes on top of what others have written", async () => {
    elect();
    await clock.advance(0);
    const mine = server.lease!;
    server.update({ ...mine, metadata: { ...mine.metadata, labels: { seen: "yes" } } });
    stop.abort();
    await finished;
    assert.equal(server.spec.holderIdentity, "");
    assert.deepEqual(server.lease!.metadata.labels, { seen: "yes" });
  });

  it("gives up after three attempts", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" ? CONFLICT : undefined);
    stop.abort();
    await finished;
    assert.equal(times("update").length, 3);
    assert.equal(log.count("Released the Lease"), 0);
  });

  it("leaves it to expire when the server does not take the write", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => (verb === "update" ? UNAVAILABLE : undefined);
    stop.abort();
    await finished;
    assert.equal(times("update").length, 1);
    assert.equal(log.fields("The Lease was not released; it will expire").err, UNAVAILABLE);
  });

  it("has nothing to do when it is gone already", async () => {
    elect();
    await clock.advance(0);
    before = (verb) => {
      if (verb !== "update") return undefined;
      server.delete();
      return CONFLICT;
    };
    stop.abort();
    await finished;
    assert.equal(times("update").length, 1);
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 0);
  });
});
