import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  type CertificateState,
  DEFAULT_ROTATION,
  nextAction,
  type RotationPolicy,
  type RotationStep,
  takeStep,
  trustBundle,
} from "../../certs/rotation.ts";
import { readState, writeState } from "../../certs/secret-state.ts";

const DAY_MS = 24 * 3600 * 1000;
const T0 = Date.UTC(2026, 0, 1);
const policy: RotationPolicy = { ...DEFAULT_ROTATION, dnsNames: ["svc.ns.svc"], ipAddresses: [] };

const step = (state: CertificateState | undefined, nowMs: number, nextPublishedForMs?: number) =>
  nextAction(state, { nowMs, nextPublishedForMs }, policy).step;
const take = (state: CertificateState | undefined, name: RotationStep, nowMs: number) =>
  takeStep(state, name, nowMs, policy);

const fresh = take(undefined, "start-over", T0);
const OLD_MS = T0 + 4 * 365 * DAY_MS;
const renewed = take(fresh, "issue-serving", OLD_MS);
const prepared = take(renewed, "prepare-authority", OLD_MS);
const promoted = take(prepared, "promote", OLD_MS + DAY_MS);
const AFTER_END_MS = T0 + 6 * 365 * DAY_MS;

const cases: Record<
  string,
  { state: CertificateState | undefined; nowMs: number; publishedMs?: number; want: string }
> = {
  "nothing stored is started over": { state: undefined, nowMs: T0, want: "start-over" },
  "a fresh state waits": { state: fresh, nowMs: T0, want: "wait" },
  "a serving certificate waits until two thirds of its life": {
    state: fresh,
    nowMs: T0 + 59 * DAY_MS,
    want: "wait",
  },
  "and is issued again then": { state: fresh, nowMs: T0 + 61 * DAY_MS, want: "issue-serving" },
  "an expired one is issued again": { state: fresh, nowMs: T0 + 200 * DAY_MS, want: "issue-serving" },
  "an old authority gets a successor": { state: renewed, nowMs: OLD_MS, want: "prepare-authority" },
  "a successor that is not published waits": { state: prepared, nowMs: OLD_MS, want: "wait" },
  "a successor published too briefly waits": {
    state: prepared,
    nowMs: OLD_MS,
    publishedMs: 59_999,
    want: "wait",
  },
  "a successor published long enough is promoted": {
    state: prepared,
    nowMs: OLD_MS,
    publishedMs: 60_000,
    want: "promote",
  },
  "a retired authority stays for a day": { state: promoted, nowMs: OLD_MS + 2 * DAY_MS - 1, want: "wait" },
  "and is dropped then": { state: promoted, nowMs: OLD_MS + 2 * DAY_MS, want: "drop-retired" },
  "an expired authority without successor is started over": {
    state: fresh,
    nowMs: AFTER_END_MS,
    want: "start-over",
  },
  "an expired authority with a good successor gives way at once": {
    state: prepared,
    nowMs: AFTER_END_MS,
    want: "promote",
  },
  "a successor that aged unused is replaced": {
    state: { ...fresh, next: fresh.authority, serving: take(fresh, "issue-serving", OLD_MS).serving },
    nowMs: OLD_MS,
    want: "prepare-authority",
  },
};
for (const [name, { state, nowMs, publishedMs, want }] of Object.entries(cases)) {
  test(name, () => assert.equal(step(state, nowMs, publishedMs), want));
}

test("another name to serve means another certificate, by the same authority", () => {
  const wider = { ...policy, ipAddresses: ["127.0.0.1"] };
  const action = nextAction(fresh, { nowMs: T0, nextPublishedForMs: undefined }, wider);
  assert.deepEqual(action, { step: "issue-serving", why: "it does not cover 127.0.0.1" });
  const served = takeStep(fresh, "issue-serving", T0, wider);
  assert.equal(served.authority, fresh.authority);
  assert.equal(nextAction(served, { nowMs: T0, nextPublishedForMs: undefined }, wider).step, "wait");
});

test("the bundle holds the authority that signs, its successor and its predecessor", () => {
  const count = (state: CertificateState) => trustBundle(state).match(/BEGIN CERTIFICATE/g)?.length;
  assert.deepEqual([fresh, prepared, promoted].map(count), [1, 2, 2]);
  assert(
    new X509Certificate(promoted.serving.certPem).checkIssued(new X509Certificate(trustBundle(promoted))),
  );
});

test("every state survives being stored", () => {
  for (const state of [fresh, prepared, promoted]) {
    const data = Object.fromEntries(Object.entries(writeState(state)).filter((entry) => entry[1] !== null));
    assert.deepEqual(readState(data as Record<string, string>), { ok: true, state });
  }
});

const damaged = {
  "a missing key": { "tls.key": "" },
  "a key of another certificate": { "tls.key": prepared.authority.keyPem },
  "garbage in place of the authority": { "ca.crt": "garbage" },
};
for (const [name, change] of Object.entries(damaged)) {
  test(`a Secret with ${name} is unusable, and says why`, () => {
    const read = readState({ ...(writeState(fresh) as Record<string, string>), ...change });
    assert(!read.ok && read.problem !== "");
  });
}
