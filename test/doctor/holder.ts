import { randomUUID } from "node:crypto";
import { sleep, systemClock } from "../../src/clock.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { LEASES } from "../../src/kube/types.ts";
import { createdLease, renewedLease } from "../../src/leader/lease.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "../e2e/rig.ts";

export const LEASE_KEY = { namespace: LEASE_NAMESPACE, name: LEASE_NAME };

/** Holds the Lease as this pod, renews it, and does nothing else, until it is ended. */
export async function holdAndRenew(
  api: KubeApi,
  pod: string,
  options: { aheadMs?: number } = {},
): Promise<{ end(): Promise<void> }> {
  const candidate = { ...LEASE_KEY, identity: `${pod}_${randomUUID()}`, leaseDurationMs: 15_000 };
  const now = () => Date.now() + (options.aheadMs ?? 0);
  let lease: KubeObject = await api.create(LEASES, createdLease(candidate, now()));
  let ended = false;
  const running = (async () => {
    while (!ended) {
      await sleep(systemClock, 300);
      lease = await api.update(LEASES, renewedLease(lease, candidate, now()));
    }
  })();
  return {
    async end() {
      ended = true;
      await running;
      await api.delete(LEASES, LEASE_KEY);
    },
  };
}
