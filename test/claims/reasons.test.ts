import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer, Term } from "../../src/claims/claim.ts";
import {
  describe,
  INTERNAL_REASONS,
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

/** Programs read these: they are API, as the codes are. */
const CAUSES: Record<string, [reason: string, message: string, field: string][]> = {
  HostHeld: [["HeldBy", "Beskar7Machine default/m2", "spec.consumerRef"]],
  ForeignConsumer: [],
  "HostUnavailable status": [
    ["Unavailable", "status", ""],
    ["Detail", "state is Error", ""],
  ],
  "HostUnavailable deleting": [["Unavailable", "deleting", ""]],
  "HostUnavailable reserved": [
    ["Unavailable", "reserved", ""],
    ["ReservedFor", "default/red", ""],
  ],
  "ConsumerHoldsHost consumerRef": [
    ["HeldHost", "h9", ""],
    ["HeldThrough", "consumerRef", ""],
  ],
  "ConsumerHoldsHost binding": [
    ["HeldHost", "h9", ""],
    ["HeldThrough", "binding", ""],
  ],
  FencedOut: [
    ["HolderIdentity", "pod-a_uuid", ""],
    ["NamedTerm", "lease/2/pod-a_uuid", "metadata.annotations[claims.beskar7.io/term]"],
  ],
  OutOfOrder: [["Ahead", "Beskar7Machine default/m2", ""]],
  Delegated: [
    ["HolderIdentity", "pod-a_uuid", ""],
    ["ForeignHolder", "true", ""],
  ],
  ...Object.fromEntries(INTERNAL_REASONS.map((reason) => [reason, [["Detail", detail, ""]]])),
};

const variantOf = (example: Rejection): string =>
  [example.reason, "cause" in example ? example.cause : "", "by" in example ? example.by : ""]
    .filter((part) => part !== "")
    .join(" ");

test("the causes tell the facts of a rejection to programs", () => {
  for (const example of examples) {
    const { message, details } = toApiError(example, { code: 409 });
    const [verdict, ...facts] = details.causes;
    assert.deepEqual(verdict, { reason: example.reason, message, field: "spec.consumerRef" });
    const told = facts.map(({ reason, message: text, field }) => [reason, text, field]);
    assert.deepEqual(told, CAUSES[variantOf(example)], variantOf(example));
  }
  const own = toApiError(
    { reason: "Delegated", ...about, holderIdentity: "p", foreign: false },
    { code: 409 },
  );
  assert.deepEqual(own.details.causes.slice(1), [{ reason: "HolderIdentity", message: "p", field: "" }]);
});

for (const [variant, words] of Object.entries({
  "HostUnavailable status": /^host default\/h1 is not available: state is Error; choose another host or wait/,
  "HostUnavailable deleting": /^host default\/h1 is being deleted; choose another host$/,
  "HostUnavailable reserved": /^host default\/h1 is reserved for machines of cluster default\/red; choose/,
  "ConsumerHoldsHost consumerRef":
    /can't take host default\/h1 because its consumer holds host h9; use that one/,
  "ConsumerHoldsHost binding": /is already getting host h9, so it can't take host default\/h1; wait/,
  NotReady: /before the coordinator knows all hosts and claims; nothing was changed, try again$/,
  LeaseUnknown: /can't read who holds its Lease; nothing was changed, try again$/,
  Overloaded: /too many claims to judge at once; nothing was changed, try again$/,
  RecordingFailed: /could not be written to the queue; nothing was changed, try again$/,
  BindingConflict: /met another write for the same consumer; nothing was changed, try again$/,
  InternalError: /a fault in the coordinator, whose log tells more; nothing was changed, try again$/,
})) {
  test(`${variant} has a sentence of its own`, () => {
    const example = examples.find((each) => variantOf(each) === variant)!;
    assert.match(describe(example), words);
    assert.match(
      describe(example),
      new RegExp(variant.startsWith("HostUn") ? "h1" : "the claim of Beskar7Machine default/m1"),
    );
  });
}

test("only what says nothing of the claim is internal", () => {
  const internal = REJECT_REASONS.filter(isInternal);
  assert.deepEqual(internal, [...INTERNAL_REASONS]);
});

test("a consumer whose kind nobody knows is called a consumer", () => {
  const heldBy = { ...other, kind: "" };
  assert.match(describe({ reason: "HostHeld", ...about, heldBy }), /held by consumer default\/m2;/);
});
