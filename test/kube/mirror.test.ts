import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { KubeError } from "../../src/kube/errors.ts";
import { Mirror, type MirrorOptions } from "../../src/kube/mirror.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { FakeResource, refusal } from "./fake-resource.ts";

const REFUSED = new KubeError("KUBE_TRANSPORT", "connect ECONNREFUSED");

describe("Mirror", () => {
  let clock: FakeClock;
  let server: FakeResource;
  let log: RecordingLog;
  let stop: AbortController;
  let changes: string[];
  beforeEach(() => {
    clock = new FakeClock();
    server = new FakeResource();
    log = new RecordingLog();
    stop = new AbortController();
    changes = [];
  });
  afterEach(() => stop.abort());

  async function follow(options: Partial<MirrorOptions<unknown>> = {}): Promise<Mirror<unknown>> {
    const mirror = new Mirror<unknown>({
      api: server,
      type: PHYSICAL_HOSTS,
      clock,
      log,
      random: () => 0.5,
      project: (object) => object.value ?? null,
      onChange: (change) =>
        changes.push(
          change.type === "set"
            ? `${change.key}=${change.value} was ${change.previous}`
            : `${change.key} gone, was ${change.previous}`,
        ),
      ...options,
    });
    mirror.start(stop.signal);
    await settled();
    return mirror;
  }

  it("lists page by page, then tells each change once and in order", async () => {
    for (const name of ["a", "b", "c"]) server.put(name, { value: 1 });
    const mirror = await follow({ pageSize: 2 });
    assert.equal(server.lists, 2);
    assert.equal(mirror.synced, true);
    assert.equal(mirror.state, "following");
    assert.equal(mirror.resourceVersion, server.version);
    changes.length = 0;
    server.put("a", { value: 2 });
    server.delete("b");
    server.put("d", { value: 1 });
    assert.deepEqual(changes, ["ns/a=2 was 1", "ns/b gone, was 1", "ns/d=1 was undefined"]);
    assert.deepEqual([...mirror.values()].sort(), [1, 1, 2]);
    assert.equal(mirror.get("ns/a"), 2);
    assert.equal(mirror.size, 3);
  });

  it("keeps nothing of what the projection does not want, and drops what it no longer wants", async () => {
    server.put("a", { value: 1 });
    server.put("b");
    const mirror = await follow();
    assert.equal(mirror.size, 1);
    server.put("a");
    assert.deepEqual(changes, ["ns/a=1 was undefined", "ns/a gone, was 1"]);
  });

  it("goes on from where it was when a watch breaks, and loses nothing", async () => {
    const mirror = await follow();
    server.breakWatches();
    server.put("a", { value: 1 });
    server.put("a", { value: 2 });
    await clock.advance(200);
    assert.deepEqual(changes, ["ns/a=1 was undefined", "ns/a=2 was 1"]);
    assert.equal(server.lists, 1);
    assert.equal(mirror.state, "following");
  });

  it("lists again when its version is gone, and tells only differences", async () => {
    for (const name of ["same", "changed", "deleted"]) server.put(name, { value: 1 });
    await follow();
    changes.length = 0;
    server.breakWatches();
    server.put("changed", { value: 2 });
    server.delete("deleted");
    server.put("new", { value: 1 });
    server.compact();
    server.tick();
    await clock.advance(1_000);
    assert.deepEqual(changes, ["ns/changed=2 was 1", "ns/new=1 was undefined", "ns/deleted gone, was 1"]);
    assert.equal(server.openWatches, 1);
  });

  it("replaces a watch that went silent, and catches up", async () => {
    const mirror = await follow({ silentMs: 60_000 });
    server.silenceWatches();
    server.put("a", { value: 1 });
    await clock.advance(59_999);
    assert.deepEqual(changes, []);
    assert.equal(mirror.staleMs(), 59_999);
    await clock.advance(1);
    assert.deepEqual(changes, ["ns/a=1 was undefined"]);
    assert.equal(mirror.staleMs(), 0);
    assert.equal(log.count("Watch went silent; opening another"), 1);
  });

  it("goes by no date: a clock that is set an hour back or a year ahead changes nothing", async () => {
    const mirror = await follow({ silentMs: 60_000 });
    for (const jumpMs of [-3_600_000, 31_536_000_000]) {
      clock.jumpWall(jumpMs);
      await clock.advance(50_000);
      assert.equal(mirror.staleMs(), 50_000);
      server.put("a", { value: jumpMs });
      await settled();
      assert.equal(mirror.staleMs(), 0);
    }
    assert.deepEqual(changes, ["ns/a=-3600000 was undefined", "ns/a=31536000000 was -3600000"]);
    assert.deepEqual([server.watches, log.count("Watch went silent; opening another")], [1, 0]);
  });

  it("keeps a quiet watch that sends bookmarks", async () => {
    const mirror = await follow({ silentMs: 60_000 });
    for (let i = 0; i < 5; i++) {
      await clock.advance(50_000);
      server.tick();
      server.bookmark();
    }
    assert.equal(server.watches, 1);
    assert.equal(mirror.resourceVersion, server.version);
    assert.equal(mirror.staleMs(), 0);
  });

  it("opens the next watch at once when the server ends one as agreed", async () => {
    const mirror = await follow();
    await clock.advance(40_000);
    server.endWatches();
    await settled();
    assert.equal(server.watches, 2);
    assert.equal(mirror.staleMs(), 0);
    assert.equal(clock.pending, 2);
  });

  it("does not reopen in a busy loop when watches end at once", async () => {
    server.watch = function (this: FakeResource) {
      this.watches += 1;
      return Promise.resolve();
    };
    await follow();
    await clock.advance(60_000);
    assert.ok(server.watches < 50, `${server.watches} watches`);
  });

  it("follows a server within 3 s of its return, however long it was away", async () => {
    server.outage = REFUSED;
    const mirror = await follow();
    await clock.advance(600_000);
    assert.equal(mirror.synced, false);
    assert.equal(mirror.staleMs(), Number.POSITIVE_INFINITY);
    server.outage = refusal(503, "ServiceUnavailable");
    await clock.advance(1_500);
    server.outage = undefined;
    await clock.advance(3_000);
    assert.equal(mirror.state, "following");
    assert.equal(log.lines.filter(({ level }) => level === "warn").length, 1);
  });

  it("takes a missing CRD for an empty resource, and notices when it appears and goes", async () => {
    server.outage = refusal(404, "NotFound");
    const mirror = await follow();
    assert.equal(mirror.state, "absent");
    assert.equal(mirror.synced, true);
    server.outage = undefined;
    server.put("a", { value: 1 });
    await clock.advance(12_500);
    assert.equal(mirror.state, "following");
    assert.equal(mirror.get("ns/a"), 1);
    server.outage = refusal(404, "NotFound");
    server.endWatches();
    await clock.advance(200);
    assert.equal(mirror.state, "absent");
    assert.deepEqual(changes.slice(-1), ["ns/a gone, was 1"]);
    assert.equal(mirror.size, 0);
  });

  it("says once, loudly, that it is not allowed, and goes on trying", async () => {
    server.outage = refusal(403, "Forbidden");
    const mirror = await follow();
    await clock.advance(120_000);
    assert.equal(mirror.state, "forbidden");
    assert.equal(mirror.synced, false);
    assert.equal(log.lines.filter(({ level }) => level === "error").length, 1);
    server.outage = undefined;
    await clock.advance(10_000);
    assert.equal(mirror.state, "following");
  });

  it("lists from time to time, against events that were lost", async () => {
    const mirror = await follow({ relistMs: 100_000, silentMs: 1_000_000 });
    server.silenceWatches();
    server.put("a", { value: 1 });
    await clock.advance(110_000);
    assert.deepEqual(changes, ["ns/a=1 was undefined"]);
    assert.equal(mirror.get("ns/a"), 1);
  });

  it("refreshes with a list that begins after the call, one at a time", async () => {
    const mirror = await follow();
    server.silenceWatches();
    let lists = 0;
    let gate = () => {};
    server.onPage = () => {
      lists += 1;
      assert.equal(lists, 1, "one list at a time");
      return new Promise((resolve) => {
        gate = () => {
          lists -= 1;
          resolve();
        };
      });
    };
    const first = mirror.refresh();
    await settled();
    server.put("a", { value: 1 });
    const second = mirror.refresh();
    const third = mirror.refresh();
    await settled();
    gate();
    await first;
    assert.equal(mirror.get("ns/a"), undefined);
    await settled();
    gate();
    await Promise.all([second, third]);
    assert.equal(mirror.get("ns/a"), 1);
    assert.equal(server.lists, 3);
    server.outage = REFUSED;
    await assert.rejects(mirror.refresh(), REFUSED);
  });

  it("tells when it has caught up with a version, and gives up when it is told to", async () => {
    const mirror = await follow();
    server.delay();
    const version = server.put("a", { value: 1 });
    const patience = new AbortController();
    const caughtUp = mirror.caughtUpTo(version, patience.signal);
    const given = mirror.caughtUpTo(`9${version}`, patience.signal);
    server.deliver();
    assert.equal(await caughtUp, true);
    assert.equal(server.lists, 1);
    patience.abort();
    assert.equal(await given, false);
    assert.equal(await mirror.caughtUpTo(version, patience.signal), true);
  });

  it("lists to catch up with a version that no event brings", async () => {
    const mirror = await follow();
    server.tick();
    const caughtUp = mirror.caughtUpTo(server.version, stop.signal);
    await clock.advance(250);
    assert.equal(await caughtUp, true);
    assert.equal(server.lists, 2);
  });

  for (const open of [true, false]) {
    it(`starts anew when the server's history went back, with its watch ${open ? "open" : "broken"}`, async () => {
      server.put("a", { value: 1 });
      server.put("b", { value: 1 });
      const toldBefore: string[] = [];
      const mirror = await follow({ onRewound: () => toldBefore.push(...changes) });
      const { version } = server;
      server.silenceWatches();
      server.delete("b");
      server.rewind(Number(version) - 2);
      server.put("a", { value: 0 });
      if (open) {
        await mirror.refresh();
      } else {
        server.faults.push(refusal(504, "Timeout", ["ResourceVersionTooLarge"]));
        server.breakWatches();
        await clock.advance(1_000);
      }
      await settled();
      assert.deepEqual(toldBefore, ["ns/a=1 was undefined", "ns/b=1 was undefined"]);
      assert.equal(mirror.get("ns/a"), 0);
      assert.equal(mirror.get("ns/b"), undefined);
      assert.equal(mirror.resourceVersion, server.version);
      server.put("a", { value: 2 });
      assert.equal(mirror.get("ns/a"), 2);
    });
  }

  it("gives up a watch that is never answered", async () => {
    const { watch } = server;
    server.watch = (_type, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(REFUSED)));
    const mirror = await follow({ silentMs: 60_000 });
    server.watch = watch;
    await clock.advance(60_000);
    assert.equal(mirror.state, "following");
  });

  it("outlives callbacks that fail", async () => {
    server.put("a", { value: 1 });
    const mirror = await follow({
      onChange: () => {
        throw new Error("a listener's mistake");
      },
    });
    server.put("b", { value: 2 });
    assert.equal(mirror.get("ns/b"), 2);
    assert.equal(log.count("A mirror's callback failed"), 2);
  });

  it("leaves no timer behind when it is stopped", async () => {
    const mirror = await follow();
    stop.abort(new Error("over"));
    await settled();
    assert.equal(clock.pending, 0);
    assert.equal(server.openWatches, 0);
    await mirror.whenSynced();
    const late = new Mirror({ ...unstarted(clock, log), api: server });
    await assert.rejects(late.whenSynced(stop.signal), /over/);
  });
});

function unstarted(clock: FakeClock, log: RecordingLog) {
  return { type: PHYSICAL_HOSTS, clock, log, random: () => 0.5, project: () => null };
}
