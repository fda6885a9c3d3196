import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { it } from "node:test";
import { Wakeup } from "../../src/leader/wakeup.ts";
import { FakeClock } from "../support/fake-clock.ts";

const never = new AbortController().signal;

it("a wait ends when its time has passed, when it rings, and at the end", async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  const timed = wakeup.wait(1_000, never);
  await clock.advance(1_000);
  await timed;
  const rung = wakeup.wait(1_000, never);
  wakeup.ring();
  await rung;
  wakeup.forget();
  const end = new AbortController();
  const ended = wakeup.wait(1_000, end.signal);
  end.abort();
  await ended;
  await wakeup.wait(1_000, end.signal);
  assert.equal(clock.pending, 0);
});

it("a wait begins only while there is something to wait for", async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  await wakeup.wait(0, never);
  await wakeup.wait(-1, never);
  assert.equal(clock.pending, 0);
  wakeup.wait(1, never);
  assert.equal(clock.pending, 1);
});

it("a wait that is over listens to nothing any more", async () => {
  const { signal } = new AbortController();
  const wakeup = new Wakeup(new FakeClock());
  const wait = wakeup.wait(1_000, signal);
  assert.equal(getEventListeners(signal, "abort").length, 1);
  wakeup.ring();
  await wait;
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

it("news that comes while nobody waits ends the next wait, unless it is forgotten", async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  wakeup.ring();
  await wakeup.wait(1_000, never);
  wakeup.forget();
  let over = false;
  const wait = wakeup.wait(1_000, never).then(() => {
    over = true;
  });
  await clock.advance(999);
  assert.equal(over, false);
  await clock.advance(1);
  await wait;
});
