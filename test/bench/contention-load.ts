/** Hosts, machines and requests by the thousand on a real API server. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { KubeClient } from "../../src/kube/client.ts";
import { CLAIM_REQUESTS, LEASES } from "../../src/kube/types.ts";
import { CLAIM_REQUEST_API_VERSION, FINALIZER } from "../../src/requests/claim-request.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "../e2e/rig.ts";

/** Calls under way at once: more only makes each slower on two cores. */
const PARALLEL = 24;

export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, "0")}`);

export async function inParallel<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Requests of users, each with a place of its own in the queue, as the service leaves them when they wait. */
export function createRequests(api: KubeClient, namespace: string, names: readonly string[]): Promise<void> {
  return inParallel(names, (name) =>
    api.create(CLAIM_REQUESTS, {
      apiVersion: CLAIM_REQUEST_API_VERSION,
      kind: "ClaimRequest",
      metadata: { namespace, name, finalizers: [FINALIZER] },
      spec: { hostKind: "PhysicalHost" },
    }),
  );
}

/** Somebody else leads and renews, until the function that this resolves to is called. */
export async function holdLease(api: KubeClient): Promise<() => Promise<void>> {
  const key = { namespace: LEASE_NAMESPACE, name: LEASE_NAME };
  const renewTime = () => new Date().toISOString().replace("Z", "000Z");
  await api.create(LEASES, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: key,
    spec: { holderIdentity: "bench_1", leaseDurationSeconds: 15, renewTime: renewTime() },
  });
  const renewal = setInterval(() => {
    void api.patch(LEASES, key, { type: "merge", body: { spec: { renewTime: renewTime() } } });
  }, 2_000);
  return async () => {
    clearInterval(renewal);
    await api.delete(LEASES, key);
  };
}

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

/** Milliseconds. */
interface ProcessorTime {
  readonly own: number;
  /** Of those that were started with a path in the folder. */
  readonly others: number;
}

/**
 * Processor time so far of this process and of those that were started with a path in `folder`. On a machine with
 * other work it says more than the clock. NaN where there is no /proc.
 */
export function processorTime(folder: string): ProcessorTime {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1_000;
  if (!existsSync("/proc/self/stat")) return { own, others: Number.NaN };
  let others = 0;
  for (const pid of readdirSync("/proc")) {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)) continue;
      // After the name in brackets: state, ten fields more, then utime and stime.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      others += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    } catch {
      // It has ended meanwhile.
    }
  }
  return { own, others };
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? Number.NaN;
}
