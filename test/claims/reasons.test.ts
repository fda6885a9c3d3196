import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer, Term } from "../../src/claims/claim.ts";
import {
  describe,
  isInternal,
  REJECT_REASONS,
  type Rejection,
  toApiError,
} from "../../src/claims/reasons.ts";

const consumer: Consumer = {
  apiVersion: "",
  kind: "Beskar7Machine",
  namespace: "default",
  name: "m1",
  uid: "u1",
};
const other: Consumer = { ...consumer, name: "m2" };
const term: Term = { leaseUid: "lease", leaseTransitions: 3, holderIdentity: "pod-a_uuid" };
const about = { host: { namespace: "default", name: "h1" }, consumer };
const detail = "connect ECONNREFUSED at 12:03:04";

const examples: Rejection[] = [
  { reason: "HostHeld", ...about, heldBy: other },
  { reason: "ForeignConsumer", ...about },
  { reason: "HostUnavailable", ...about, cause: "status", detail: "state is Error", cluster: "" },
  { reason: "HostUnavailable", ...about, cause: "deleting", detail: "", cluster: "" },
  { reason: "HostUnavailable", ...about, cause: "reserved", detail: "", cluster: "default/red" },
  { reason: "ConsumerHoldsHost", ...about, heldHost: "h9", by: "consumerRef" },
  { reason: "ConsumerHoldsHost", ...about, heldHost: "h9", by: "binding" },
  { reason: "FencedOut", ...about, term, intentTerm: "lease/2/pod-a_uuid" },
  { reason: "OutOfOrder", ...about, aheadConsumer: other },
  { reason: "Delegated", ...about, holderIdentity: "pod-a_uuid", foreign: true },
  { reason: "NotReady", ...about, detail },
  { reason: "LeaseUnknown", ...about, detail },
  { reason: "Overloaded", ...about, detail },
  { reason: "RecordingFailed", ...about, detail },
  { reason: "BindingConflict", ...about, detail },
  { reason: "InternalError", ...about, detail },
];

test("there is an example of every reason below", () => {
  assert.deepEqual(new Set(examples.map((example) => example.reason)), new Set(REJECT_REASONS));
});

for (const example of examples) {
  const { reason } = example;

  test(`${reason} is one sentence that names the host and says what to do`, () => {
    const text = describe(example);
    assert.match(text, /default\/h1/);
    assert.match(text, /; (\w+,? )*(choose|use|wait|decide|serve|try)/);
    assert.doesNotMatch(text, /\n|undefined|null/);
  });

  test(`${reason} is a Conflict unless old clients asked for Forbidden, and never says when to retry`, () => {
    const switched = ["Delegated", "OutOfOrder", "FencedOut", "ConsumerHoldsHost"].includes(reason);
    const foreign = reason === "ForeignConsumer";
    const usual = toApiError(example, { code: 409 });
    const old = toApiError(example, { code: 403 });
    assert.deepEqual([usual.code, usual.reason], foreign ? [403, "Forbidden"] : [409, "Conflict"]);
    assert.deepEqual([old.code, old.reason], switched || foreign ? [403, "Forbidden"] : [409, "Conflict"]);
    assert.doesNotMatch(JSON.stringify([usual, old]), /retryAfter/);
    assert.equal(usual.details.causes[0]?.reason, reason);
  });
}

test("what varies between two attempts is told in the causes and not in the message", () => {
  for (const example of examples.filter(({ reason }) => isInternal(reason))) {
    const { message, details } = toApiError(example, { code: 409 });
    assert.doesNotMatch(message, /ECONNREFUSED/);
    assert.equal(details.causes[1]?.message, detail);
  }
});

test("a rejection names who holds, who is ahead, who decides", () => {
  assert.match(describe(examples[0]!), /held by Beskar7Machine default\/m2/);
  assert.match(describe(examples[8]!), /Beskar7Machine default\/m2 is ahead/);
  assert.match(describe(examples[9]!), /pod-a_uuid/);
});

test("a write that could not be read to its consumer is still described", () => {
  assert.match(
    describe({ ...about, reason: "NotReady", consumer: null, detail }),
    /^the claim on host default\/h1/,
  );
});
