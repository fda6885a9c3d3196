/** The first and the last instant of a term. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Clock } from "../../src/clock.ts";
import type { KubeError } from "../../src/kube/errors.ts";
import { Elector, type ElectorOptions } from "../../src/leader/elector.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { LeaseServer, refusal } from "./lease-server.ts";

const RENEW_DEADLINE_MS = 10_000;

describe("a term", () => {
  let clock: FakeClock;
  let waits: number[];
  let fault: KubeError | undefined;
  let frozenMs: number;

  beforeEach(() => {
    clock = new FakeClock();
    waits = [];
    fault = undefined;
    frozenMs = 0;
  });

  function elect(options: Partial<ElectorOptions>): Elector {
    const watched: Clock = {
      monotonicMs: () => clock.monotonicMs() + frozenMs,
      wallMs: () => clock.wallMs() + frozenMs,
      schedule(afterMs, fire) {
        waits.push(afterMs);
        return clock.schedule(afterMs, fire);
      },
    };
    const elector = new Elector({
      api: new LeaseServer().api(() => fault),
      clock: watched,
      log: new RecordingLog(),
      random: () => 0.5,
      namespace: "ns",
      name: "leader",
      identity: "pod-a_1",
      leaseDurationMs: 15_000,
      renewDeadlineMs: RENEW_DEADLINE_MS,
      retryPeriodMs: 2_000,
      onStartedLeading() {},
      onStoppedLeading() {},
      ...options,
    });
    elector.run(new AbortController().signal);
    return elector;
  }

  it("holds already for who is told of the new leader", async () => {
    const told: boolean[] = [];
    const elector: Elector = elect({ onNewLeader: () => told.push(elector.isLeader()) });
    await clock.advance(0);
    assert.deepEqual(told, [true]);
  });

  for (const [how, lateMs] of Object.entries({ "ends on time": 0, "ended while it was frozen": 5_000 })) {
    it(`that ${how} leaves no time for what runs under it: nobody waits for that any more`, async () => {
      let stopped = 0;
      elect({
        onStoppedLeading: () => {
          stopped++;
          return new Promise<void>(() => {});
        },
      });
      await clock.advance(0);
      fault = refusal(503, "ServiceUnavailable");
      await clock.advance(RENEW_DEADLINE_MS - 1);
      frozenMs = lateMs;
      waits.length = 0;
      await clock.advance(1);
      assert.equal(stopped, 1);
      assert.ok(waits.length > 0, "it stands again");
      assert.deepEqual(
        waits.filter((ms) => ms <= 0),
        [],
      );
    });
  }
});
