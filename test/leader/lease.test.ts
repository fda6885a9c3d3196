import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createdLease,
  HOLDER_ANNOTATION,
  microTime,
  readLease,
  releasedLease,
  renewedLease,
  takenLease,
} from "../../src/leader/lease.ts";

const candidate = {
  namespace: "beskar7-system",
  name: "leader",
  identity: "pod-a_1",
  leaseDurationMs: 15_000,
};
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
const NOW_TEXT = "2026-01-02T03:04:05.067000Z";

const held = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: {
    name: "leader",
    namespace: "beskar7-system",
    uid: "u1",
    resourceVersion: "7",
    labels: { team: "x" },
    annotations: { note: "kept" },
  },
  spec: {
    holderIdentity: "pod-b_2",
    leaseDurationSeconds: 20,
    leaseTransitions: 4,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:01.000000Z",
    strategy: "OldestEmulationVersion",
    preferredHolder: "pod-c",
  },
};

describe("Lease record", () => {
  it("has times with exactly six digits, as Go insists on", () => {
    assert.equal(microTime(NOW), NOW_TEXT);
  });

  it("is created with no transitions", () => {
    assert.deepEqual(createdLease(candidate, NOW), {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        namespace: "beskar7-system",
        name: "leader",
        annotations: { "claims.beskar7.io/holder": "pod-a_1" },
      },
      spec: {
        holderIdentity: "pod-a_1",
        leaseDurationSeconds: 15,
        leaseTransitions: 0,
        acquireTime: NOW_TEXT,
        renewTime: NOW_TEXT,
      },
    });
  });

  it("counts a transition when taken, and keeps metadata and fields of others, marked as ours", () => {
    const taken = takenLease(held, candidate, NOW);
    assert.deepEqual(taken.metadata, {
      ...held.metadata,
      annotations: { [HOLDER_ANNOTATION]: "pod-a_1", note: "kept" },
    });
    assert.deepEqual(taken.spec, {
      ...held.spec,
      holderIdentity: "pod-a_1",
      leaseDurationSeconds: 15,
      leaseTransitions: 5,
      acquireTime: NOW_TEXT,
      renewTime: NOW_TEXT,
    });
  });

  it("is signed by whom of ours took it last, and so known as not ours when another elector took it", () => {
    const taken = readLease(takenLease(held, candidate, NOW));
    assert.equal(taken.signedBy, taken.holderIdentity);
    assert.notEqual(readLease(held).signedBy, "pod-b_2");
  });

  it("keeps transitions and acquireTime when renewed", () => {
    assert.deepEqual(renewedLease(held, { ...candidate, identity: "pod-b_2" }, NOW).spec, {
      ...held.spec,
      leaseDurationSeconds: 15,
      renewTime: NOW_TEXT,
    });
  });

  it("is released to nobody for one second, transitions kept", () => {
    assert.deepEqual(releasedLease(held, NOW).spec, {
      ...held.spec,
      holderIdentity: "",
      leaseDurationSeconds: 1,
      acquireTime: NOW_TEXT,
      renewTime: NOW_TEXT,
    });
  });

  it("never promises others less than its holder relies on", () => {
    const spec = createdLease({ ...candidate, leaseDurationMs: 1_500 }, NOW).spec as Record<string, unknown>;
    assert.equal(spec.leaseDurationSeconds, 2);
  });

  it("reads what is missing as Go's zero values", () => {
    assert.deepEqual(readLease({ metadata: { name: "leader" } }), {
      uid: "",
      resourceVersion: "",
      holderIdentity: "",
      leaseDurationSeconds: 0,
      leaseTransitions: 0,
      acquireTime: "",
      renewTime: "",
      signedBy: "",
    });
  });
});
