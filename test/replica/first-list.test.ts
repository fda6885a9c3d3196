import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { sleep } from "../../src/clock.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { Replica } from "../../src/replica.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";
import { Objects } from "../e2e/objects.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { FakeClock } from "../support/fake-clock.ts";

const LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const SYSTEM = "beskar7-system";

/** A replica that stands alone, on a sandbox in virtual time; `listHosts` stands before each list of hosts but the first. */
async function standing(t: TestContext, listHosts: (clock: FakeClock) => Promise<void>) {
  const clock = new FakeClock();
  const random = () => 0.5;
  const core = createCore({
    clock,
    random,
    authorize: () => true,
    callWebhook: () => Promise.reject(new Error("there are no webhooks")),
    crds: [...sandboxCrds(), claimRequestDefinition()],
  });
  const admin = createSandboxApi(core, ADMIN);
  await admin.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM } });
  let lists = 0;
  const api: KubeApi = {
    ...admin,
    list: async (type, options) => {
      if (type === PHYSICAL_HOSTS && lists++ > 0) await listHosts(clock);
      return admin.list(type, options);
    },
  };
  const events: string[] = [];
  const bound: string[] = [];
  const replica = new Replica({
    ...LEASE,
    api,
    clock,
    random,
    log: silentLog,
    profiles: [physicalHostProfile],
    identity: "pod-0_uuid",
    stands: true,
    leaseNamespace: SYSTEM,
    leaseName: "lease",
    relistMs: 600_000,
    holderServiceAccounts: [],
    breakGlassGroups: [],
    foreignAttemptWindowMs: 60_000,
    rejectionCode: 409,
    maxConcurrentBindings: 16,
    sign: null,
    on: {
      decision() {},
      bindResult: ({ host, outcome }) => void bound.push(`${host.name} ${outcome}`),
      bound() {},
      leader: (event) => void events.push(event),
      machineProblems() {},
      holderUnmatched() {},
    },
  });
  const objects = await Objects.in(admin, "pool");
  await objects.machine("machine-1", { waiting: true });
  await objects.host("host-1");
  const end = new AbortController();
  t.after(() => {
    end.abort();
    core.stop();
  });
  void replica.run(end.signal);
  return { clock, replica, events, bound };
}

describe("a new leader's first list", () => {
  test("may take longer than renew deadline and Lease; then it binds, in the same term", async (t) => {
    const listMs = 3 * LEASE.leaseDurationMs;
    const { clock, replica, events, bound } = await standing(t, () => sleep(clock, listMs));
    await clock.advance(listMs - 1_000);
    assert.ok(replica.isLeading());
    assert.deepEqual(bound, [], "it has not chosen before it knew everything");
    await clock.advance(2_000);
    assert.deepEqual(bound, ["host-1 bound"]);
    assert.deepEqual(events, ["new_leader", "started_leading"]);
  });

  test("that fails is tried again for one Lease, which is then given up; the next term begins anew", async (t) => {
    let failuresLeft = Number.POSITIVE_INFINITY;
    const { clock, events, bound } = await standing(t, async () => {
      if (failuresLeft-- > 0) throw new KubeError("KUBE_TIMEOUT", "no answer");
    });
    await clock.advance(LEASE.leaseDurationMs);
    assert.equal(events.includes("stopped_leading"), false);
    await clock.advance(2 * LEASE.retryPeriodMs);
    assert.equal(events.includes("stopped_leading"), true);
    assert.deepEqual(bound, []);
    failuresLeft = 3;
    await clock.advance(2 * LEASE.leaseDurationMs);
    assert.deepEqual(bound, ["host-1 bound"]);
    assert.equal(events.filter((event) => event === "stopped_leading").length, 1);
  });

  test("that failed at first is forgotten by one that does not", async (t) => {
    let failures = 0;
    const { clock, events, bound } = await standing(t, async () => {
      if (failures++ < 3) throw new KubeError("KUBE_TIMEOUT", "no answer");
    });
    await clock.advance(4 * LEASE.leaseDurationMs);
    assert.deepEqual(bound, ["host-1 bound"]);
    assert.deepEqual(events, ["new_leader", "started_leading"]);
  });
});
