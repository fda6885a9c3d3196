import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nextAction, type RequestFacts } from "../../src/coordinator/request-action.ts";
import { binding, consumer, host, request } from "./builders.ts";

const ours = host("host-1", { resourceVersion: "11", consumer: consumer("machine-1") });
const bindingNow = { phase: "Binding", binding: binding("host-1") } as const;
const bound = { phase: "Bound", binding: binding("host-1", { hostResourceVersion: "11" }) } as const;

const CASES: Record<string, { facts: Partial<RequestFacts>; wanted: string }> = {
  "a pending request needs nothing": { facts: {}, wanted: "nothing" },
  "a pending one whose consumer has a host, as it seems, is looked up": {
    facts: { held: [ours] },
    wanted: "confirmHolding",
  },
  "a binding whose host shows the consumer becomes Bound": {
    facts: { request: request("machine-1", bindingNow), boundHost: ours },
    wanted: "markBound",
  },
  "a binding whose host is untouched must be resolved": {
    facts: { request: request("machine-1", bindingNow), boundHost: host("host-1") },
    wanted: "resolve",
  },
  "a binding that this replica is just writing is left to the answer": {
    facts: { request: request("machine-1", bindingNow), boundHost: host("host-1"), writingHere: true },
    wanted: "nothing",
  },
  "a binding whose host moved on without the consumer is free": {
    facts: {
      request: request("machine-1", bindingNow),
      boundHost: host("host-1", { resourceVersion: "12" }),
    },
    wanted: "free",
  },
  "a mirror behind the binding proves nothing": {
    facts: { request: request("machine-1", bindingNow), boundHost: host("host-1", { resourceVersion: "9" }) },
    wanted: "resolve",
  },
  "that its consumer had this very host before proves nothing": {
    facts: {
      request: request("machine-1", {
        phase: "Binding",
        binding: binding("host-1", { hostResourceVersion: "12" }),
      }),
      boundHost: ours,
      held: [ours],
    },
    wanted: "resolve",
  },
  "a binding to a host that is not in the mirror must be resolved": {
    facts: { request: request("machine-1", bindingNow) },
    wanted: "resolve",
  },
  "a deleted request with a binding under way is settled first": {
    facts: { request: request("machine-1", { ...bindingNow, deleting: true }), boundHost: host("host-1") },
    wanted: "resolve",
  },
  "a deleted request without one may go": {
    facts: { request: request("machine-1", { deleting: true }) },
    wanted: "dropFinalizer",
  },
  "a deleted request that others hold is theirs": {
    facts: { request: request("machine-1", { deleting: true, hasFinalizer: false }) },
    wanted: "nothing",
  },
  "a deleted explicit request releases its host first": {
    facts: { request: request("machine-1", { ...bound, deleting: true, explicit: true }), held: [ours] },
    wanted: "releaseHost",
  },
  "a deleted request of a machine leaves the host to the machine": {
    facts: { request: request("machine-1", { ...bound, deleting: true }), held: [ours], boundHost: ours },
    wanted: "dropFinalizer",
  },
  "a request whose consumer is gone goes": { facts: { consumerGone: true }, wanted: "deleteIfConsumerGone" },
  "a bound request whose host is its own needs nothing": {
    facts: { request: request("machine-1", bound), boundHost: ours, held: [ours] },
    wanted: "nothing",
  },
  "a bound one whose host was seen without it is released": {
    facts: { request: request("machine-1", bound), boundHost: host("host-1", { resourceVersion: "12" }) },
    wanted: "markReleased",
  },
  "a bound one that has another host, as it seems, is looked up": {
    facts: {
      request: request("machine-1", bound),
      boundHost: host("host-1", { resourceVersion: "12" }),
      held: [host("host-2", { consumer: consumer("machine-1") })],
    },
    wanted: "confirmHolding",
  },
  "a bound one that the mirror has not caught up with is looked up, whatever it seems to hold": {
    facts: {
      request: request("machine-1", bound),
      boundHost: host("host-1", { resourceVersion: "10" }),
      held: [host("host-2", { consumer: consumer("machine-1") })],
    },
    wanted: "confirmRelease",
  },
  "malformed annotations of its machine are reported on it": {
    facts: { malformed: "tags: ?" },
    wanted: "reportMalformed",
  },
  "what it says of them already is not said again": {
    facts: { request: request("machine-1", { malformed: "tags: ?" }), malformed: "tags: ?" },
    wanted: "nothing",
  },
  "mended annotations are reported too": {
    facts: { request: request("machine-1", { malformed: "tags: ?" }) },
    wanted: "reportMalformed",
  },
  "a binding comes before such reports": {
    facts: { request: request("machine-1", bindingNow), boundHost: ours, malformed: "tags: ?" },
    wanted: "markBound",
  },
  "that it is held back is taken back when it is not": {
    facts: { request: request("machine-1", { heldBackTerm: "1:a" }), heldBackNoLonger: true },
    wanted: "endHoldBack",
  },
  "and not from one that is going": {
    facts: { request: request("machine-1", { deleting: true, hasFinalizer: true }), heldBackNoLonger: true },
    wanted: "dropFinalizer",
  },
  "a released one waits again when its consumer says so": {
    facts: { request: request("machine-1", { phase: "Released" }), consumerWaits: true },
    wanted: "markReleased",
  },
  "a released one stays so otherwise": {
    facts: { request: request("machine-1", { phase: "Released" }) },
    wanted: "nothing",
  },
};

describe("what a ClaimRequest needs next", () => {
  for (const [name, { facts, wanted }] of Object.entries(CASES)) {
    test(name, () => {
      const action = nextAction({
        request: request("machine-1"),
        boundHost: undefined,
        held: [],
        consumerGone: false,
        consumerWaits: false,
        writingHere: false,
        malformed: "",
        heldBackNoLonger: false,
        ...facts,
      });
      assert.equal(action.do, wanted);
    });
  }
});
