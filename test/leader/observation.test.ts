import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { LeaseObservation } from "../../src/leader/observation.ts";

function lease(resourceVersion: string, spec: object = {}, uid = "u1"): KubeObject {
  return {
    metadata: { name: "leader", namespace: "ns", uid, resourceVersion },
    spec: {
      holderIdentity: "pod-a_1",
      leaseDurationSeconds: 15,
      leaseTransitions: 2,
      acquireTime: "2020-01-01T00:00:00.000000Z",
      renewTime: "2020-01-01T00:00:00.000000Z",
      ...spec,
    },
  };
}
const renewed = { renewTime: "2020-01-01T00:00:02.000000Z" };

describe("Lease observation", () => {
  let observation: LeaseObservation;
  beforeEach(() => {
    observation = new LeaseObservation();
  });
  const holder = (nowMs: number) => {
    const state = observation.holderState(nowMs);
    return state.kind === "valid" ? state.term.holderIdentity : "none";
  };

  it("knows nothing before the first observation", () => {
    assert.equal(observation.seen, false);
    assert.deepEqual(observation.holderState(0), { kind: "none" });
    observation.observe(null, 0);
    assert.equal(observation.seen, true);
    assert.equal(holder(0), "none");
  });

  it("counts a record of unknown age for a whole duration from first sight, whatever its times say", () => {
    observation.observe(lease("10"), 1_000);
    assert.deepEqual(observation.holderState(1_000), {
      kind: "valid",
      term: { leaseUid: "u1", leaseTransitions: 2, holderIdentity: "pod-a_1" },
      expiresAtMs: 16_000,
    });
    assert.equal(holder(15_999), "pod-a_1");
    assert.equal(holder(16_000), "none");
  });

  it("starts anew with each change of the record, and only with those", () => {
    observation.observe(lease("10"), 0);
    const annotated = lease("11");
    annotated.metadata.annotations = { note: "x" };
    observation.observe(annotated, 10_000);
    assert.equal(holder(15_000), "none");
    observation.observe(lease("12", renewed), 20_000);
    assert.equal(holder(34_999), "pod-a_1");
  });

  for (const [field, value] of Object.entries({
    holderIdentity: "pod-b_2",
    leaseDurationSeconds: 14,
    leaseTransitions: 3,
    acquireTime: "2020-01-01T00:00:01.000000Z",
    renewTime: "2020-01-01T00:00:02.000000Z",
  })) {
    it(`takes a change of ${field} alone for a sign of life`, () => {
      observation.observe(lease("10"), 0);
      observation.observe(lease("11", { [field]: value }), 10_000);
      assert.notEqual(holder(20_000), "none");
    });
  }

  it("takes the record's own duration", () => {
    observation.observe(lease("10", { leaseDurationSeconds: 60 }), 0);
    assert.equal(holder(59_999), "pod-a_1");
    observation.observe(lease("11", { leaseDurationSeconds: undefined }), 0);
    assert.equal(holder(0), "none");
  });

  it("sees no holder in a released or deleted Lease", () => {
    observation.observe(lease("10", { holderIdentity: "" }), 0);
    assert.equal(holder(0), "none");
    observation.observe(lease("11"), 0);
    observation.observe(null, 0, "12");
    assert.equal(holder(0), "none");
  });

  it("ignores what is older than what it has seen", () => {
    observation.observe(lease("100", { holderIdentity: "pod-b_2", leaseTransitions: 3 }), 0);
    observation.observe(lease("99", { holderIdentity: "" }), 0);
    observation.observe(null, 0, "98");
    assert.equal(holder(0), "pod-b_2");
    observation.observe(null, 0);
    assert.equal(holder(0), "none");
  });

  it("believes an older version once the record has expired: the server's history went back", () => {
    observation.observe(lease("1000"), 0);
    observation.observe(lease("50", renewed), 14_999);
    assert.equal(holder(15_000), "none");
    observation.observe(lease("51", renewed), 15_000);
    assert.equal(holder(15_000), "pod-a_1");
  });

  it("does not believe an answer from before a deletion or release that comes after it", () => {
    observation.observe(lease("10"), 0);
    observation.observe(null, 1_000, "12");
    observation.observe(lease("11", renewed), 2_000);
    assert.equal(observation.record, undefined);
    observation.observe(lease("13", renewed, "u2"), 3_000);
    observation.observe(lease("15", { holderIdentity: "", leaseDurationSeconds: 1 }, "u2"), 4_000);
    observation.observe(lease("14", renewed, "u2"), 8_000);
    assert.equal(holder(8_000), "none");
    observation.observe(null, 9_000);
    observation.observe(lease("14", renewed, "u2"), 9_000);
    assert.equal(holder(9_000), "none");
  });

  it("does not believe that there is no Lease when it has seen one since it asked", () => {
    observation.observe(lease("10"), 1_000);
    observation.observe(null, 2_000, "", 999);
    assert.equal(holder(2_000), "pod-a_1");
    observation.observe(null, 2_000, "", 1_001);
    assert.equal(holder(2_000), "none");
  });

  it("believes a list that shows another Lease in the place of one that is gone", () => {
    observation.observe(lease("10"), 0);
    observation.observe(null, 1_000, "60");
    observation.observe(lease("50", {}, "u2"), 1_000, "60");
    assert.equal(holder(1_000), "pod-a_1");
  });

  it("believes a newer Lease that was asked for before the last one was seen", () => {
    observation.observe(lease("10"), 1_000);
    observation.observe(lease("11", { holderIdentity: "pod-b_2" }), 2_000, "", 999);
    assert.equal(holder(2_000), "pod-b_2");
  });

  it("sees another term when the Lease is created anew under the same name", () => {
    observation.observe(lease("10"), 0);
    observation.observe(lease("11", {}, "u2"), 14_000);
    const state = observation.holderState(28_000);
    assert.equal(state.kind === "valid" && state.term.leaseUid, "u2");
  });
});
