import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Holder } from "../../src/coordinator/holder.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";

const NEVER = new AbortController().signal;

function lease(
  holderIdentity: string,
  version: string,
  changes: { signedBy?: string; transitions?: number } = {},
): KubeObject {
  const { signedBy = holderIdentity, transitions = 0 } = changes;
  return {
    metadata: {
      name: "lease",
      namespace: "system",
      uid: "lease-uid",
      resourceVersion: version,
      annotations: { "claims.beskar7.io/holder": signedBy },
    },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 15,
      leaseTransitions: transitions,
      renewTime: `t${version}`,
    },
  };
}

function setUp() {
  const clock = new FakeClock();
  const stored: { lease: KubeObject | null; failure: unknown; reads: number } = {
    lease: null,
    failure: null,
    reads: 0,
  };
  const api = {
    get: async () => {
      stored.reads++;
      if (stored.failure !== null) throw stored.failure;
      if (stored.lease !== null) return stored.lease;
      const status = {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        code: 404,
      } as const;
      throw new KubeError("KUBE_STATUS", "not found", { status });
    },
  } as unknown as KubeApi;
  const holder = new Holder({
    api,
    clock,
    leaseNamespace: "system",
    leaseName: "lease",
    retryPeriodMs: 2_000,
  });
  return { clock, stored, holder };
}

describe("who holds the Lease", () => {
  test("that nobody does is believed after a consistent read only, which serves everybody for a retry period", async () => {
    const { clock, stored, holder } = setUp();
    const [first, second] = await Promise.all([holder.confirmed(null, NEVER), holder.confirmed(null, NEVER)]);
    assert.deepEqual([first, second, stored.reads], [{ kind: "none" }, { kind: "none" }, 1]);
    await clock.advance(2_000);
    assert.deepEqual(holder.confirmed(null, NEVER), { kind: "none" });
    await clock.advance(1);
    await holder.confirmed(null, NEVER);
    assert.equal(stored.reads, 2);
  });

  test("a mirror that is behind does not open the gate", async () => {
    const { stored, holder } = setUp();
    holder.note(null);
    stored.lease = lease("pod-1", "7");
    const state = await holder.confirmed(null, NEVER);
    assert.equal(state !== "unknown" && state.kind, "valid");
  });

  test("a Lease that can't be read leaves it unknown", async () => {
    const { stored, holder } = setUp();
    stored.failure = new KubeError("KUBE_TIMEOUT", "no answer");
    assert.equal(await holder.confirmed(null, NEVER), "unknown");
    const aborted = AbortSignal.abort();
    assert.equal(await holder.confirmed(null, aborted), "unknown");
  });

  test("a valid holder needs no read, and one that fell silent for its lease duration is none", async () => {
    const { clock, stored, holder } = setUp();
    holder.note(lease("pod-1", "7"));
    assert.equal(holder.state().kind, "valid");
    assert.ok(!(holder.confirmed(null, NEVER) instanceof Promise));
    await clock.advance(15_000);
    assert.equal(holder.state().kind, "none");
    stored.lease = lease("pod-1", "7");
    assert.deepEqual(await holder.confirmed(null, NEVER), { kind: "none" });
    assert.equal(stored.reads, 1);
  });

  test("a term that a writer names and that is unknown here is looked up", async () => {
    const { stored, holder } = setUp();
    holder.note(lease("pod-1", "7"));
    stored.lease = lease("pod-2", "9", { transitions: 1 });
    const state = await holder.confirmed("lease-uid/1/pod-2", NEVER);
    assert.equal(state !== "unknown" && state.kind === "valid" && state.term.holderIdentity, "pod-2");
    assert.equal(stored.reads, 1);
  });

  test("a holder that our electors did not sign is a foreign one", () => {
    const { holder } = setUp();
    const isForeign = () => {
      const state = holder.state();
      return state.kind === "valid" && state.foreign;
    };
    holder.note(lease("pod-1", "7"));
    assert.equal(isForeign(), false);
    holder.note(lease("controller-1", "8", { signedBy: "pod-1" }));
    assert.equal(isForeign(), true);
    holder.note(lease("pod-2", "9"));
    assert.equal(isForeign(), false);
  });
});
