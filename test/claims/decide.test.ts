import assert from "node:assert/strict";
import { test } from "node:test";
import { type Consumer, formatTerm, type Term } from "../../src/claims/claim.ts";
import { type Attempt, type ClaimsView, type Decision, decide } from "../../src/claims/decide.ts";
import { aClaim, aHost } from "./generate.ts";

const machine: Consumer = {
  apiVersion: "",
  kind: "Beskar7Machine",
  namespace: "default",
  name: "m1",
  uid: "u1",
};
const other: Consumer = { ...machine, name: "m2", uid: "u2" };
const term: Term = { leaseUid: "lease", leaseTransitions: 3, holderIdentity: "pod-a_uuid" };
const ahead = aClaim("m0");

const attempt: Attempt = {
  transition: "claim",
  host: aHost("h1"),
  consumer: machine,
  mayCrossNamespaces: false,
  requesterIsHolder: true,
  intentTerm: formatTerm(term),
};
const view: ClaimsView = {
  holder: { kind: "valid", term, foreign: false },
  heldElsewhere: () => null,
  displaced: () => null,
};
const without: Partial<ClaimsView> = { holder: { kind: "none" } };
const heldElsewhere = () => ({ hostName: "h9", by: "binding" as const });
const displaced = () => ahead;

function verdict(decision: Decision): string {
  if (!decision.allow) return decision.rejection.reason;
  return decision.takesBinding ? `${decision.mode}, bound` : decision.mode;
}

const rows: [name: string, attempt: Partial<Attempt>, view: Partial<ClaimsView>, want: string][] = [
  [
    "a consumer that names no namespace is of the host's",
    { consumer: { ...machine, namespace: "" } },
    {},
    "leader, bound",
  ],
  ["a release is nobody's business", { transition: "release", consumer: null }, {}, "uninvolved"],
  [
    "a completion passes for anybody",
    { transition: "completion", requesterIsHolder: false },
    {},
    "uninvolved",
  ],
  [
    "a reservation passes for anybody",
    { transition: "reservation", requesterIsHolder: false },
    {},
    "uninvolved",
  ],
  ["a write that leaves the consumer alone passes", { transition: "none" }, {}, "uninvolved"],
  ["a steal is rejected", { transition: "steal", host: aHost("h1", { consumer: other }) }, {}, "HostHeld"],
  [
    "a steal is rejected without a holder too",
    { transition: "steal", host: aHost("h1", { consumer: other }) },
    without,
    "HostHeld",
  ],
  [
    "a consumer of another namespace is rejected",
    { consumer: { ...machine, namespace: "x" } },
    {},
    "ForeignConsumer",
  ],
  [
    "nor is one whose name the host's begins with",
    { consumer: { ...machine, namespace: machine.namespace.slice(0, 3) } },
    {},
    "ForeignConsumer",
  ],
  [
    "a kind that may cross namespaces is not",
    { consumer: { ...machine, namespace: "x" }, mayCrossNamespaces: true },
    {},
    "leader, bound",
  ],
  [
    "a consumer that names no namespace names none other",
    { consumer: { ...machine, namespace: "" } },
    {},
    "leader, bound",
  ],
  [
    "a host that is not available is rejected",
    { host: aHost("h1", { unavailable: "state is Error" }) },
    {},
    "HostUnavailable",
  ],
  [
    "a host that is being deleted is rejected",
    { host: aHost("h1", { deleting: true }) },
    without,
    "HostUnavailable",
  ],
  [
    "a host that is kept for another cluster is rejected",
    { host: aHost("h1", { reservedFor: { namespace: "default", name: "red" } }), cluster: "blue" },
    {},
    "HostUnavailable",
  ],
  [
    "a host that is kept is not for a consumer of no known cluster",
    { host: aHost("h1", { reservedFor: { namespace: "default", name: "red" } }) },
    {},
    "HostUnavailable",
  ],
  [
    "a host that is kept for the consumer's cluster passes",
    { host: aHost("h1", { reservedFor: { namespace: "default", name: "red" } }), cluster: "red" },
    {},
    "leader, bound",
  ],
  ["a consumer gets one host only", {}, { heldElsewhere }, "ConsumerHoldsHost"],
  [
    "a consumer gets one host only, without a holder too",
    {},
    { ...without, heldElsewhere },
    "ConsumerHoldsHost",
  ],
  ["without a holder anybody may claim", { requesterIsHolder: false }, without, "optimistic, bound"],
  ["without a holder nobody is ahead", {}, { ...without, displaced }, "optimistic, bound"],
  [
    "the holder in an old term is fenced out",
    { intentTerm: "lease/2/pod-a_uuid" },
    { displaced },
    "FencedOut",
  ],
  [
    "a term with which the holder's only begins is another one",
    { intentTerm: formatTerm(term).slice(0, -1) },
    {},
    "FencedOut",
  ],
  ["the holder may leave the term out", { intentTerm: null }, {}, "leader, bound"],
  ["the holder may not pass over a higher claim", {}, { displaced }, "OutOfOrder"],
  ["the holder may claim", {}, {}, "leader, bound"],
  ["anybody else waits for the holder", { requesterIsHolder: false }, {}, "Delegated"],
  [
    "anybody else is delegated whatever term it names",
    { requesterIsHolder: false, intentTerm: "x/1/y" },
    {},
    "Delegated",
  ],
];

for (const [name, change, world, want] of rows) {
  test(name, () => {
    assert.equal(verdict(decide({ ...attempt, ...change }, { ...view, ...world })), want);
  });
}

test("the first row that fits decides: what is wrong with the host comes before what the consumer holds", () => {
  const host = aHost("h1", { deleting: true, unavailable: "state is Error" });
  const decision = decide({ ...attempt, host }, { ...view, heldElsewhere, displaced });
  assert.deepEqual(!decision.allow && decision.rejection, {
    reason: "HostUnavailable",
    host: { namespace: "default", name: "h1" },
    consumer: machine,
    cause: "deleting",
    detail: "",
    cluster: "",
  });
});

test("a claim without a consumer is a fault of the caller", () => {
  assert.throws(
    () => decide({ ...attempt, consumer: null }, view),
    new TypeError("a claim without a consumer"),
  );
  const steal = { ...attempt, transition: "steal" as const };
  assert.throws(
    () => decide({ ...steal, consumer: null }, view),
    new TypeError("a steal without a consumer"),
  );
  assert.throws(() => decide({ ...steal, host: aHost("h1") }, view), new TypeError("a steal from nobody"));
});

test("a host that is reserved for a cluster is refused to a machine of which no cluster is known", () => {
  const host = aHost("h1", { reservedFor: { namespace: "default", name: "red" } });
  const { cluster: _, ...unknown } = { ...attempt, host };
  assert.equal(verdict(decide(unknown, view)), "HostUnavailable");
  assert.equal(verdict(decide({ ...attempt, host, cluster: "red" }, view)) === "HostUnavailable", false);
});
