import { poolKey } from "../claims/claim.ts";
import type { World } from "../coordinator/world.ts";
import { HOST_STATES, type HostState, standingOf } from "./host-state.ts";
import { poolName } from "./pool-name.ts";

/** The hosts of one kind in one namespace, and who waits for them. */
export interface PoolView {
  readonly hostKind: string;
  readonly namespace: string;
  readonly hosts: number;
  readonly byState: Readonly<Record<HostState, number>>;
  /** Why hosts are unavailable, and how many; the most frequent first. */
  readonly unavailable: readonly { readonly why: string; readonly hosts: number }[];
  readonly waiting: number;
  /** Of the waiting ones, those that a free host is there for. */
  readonly placed: number;
  /** Creation of the claim that waits longest; null when none waits. */
  readonly oldestSince: string | null;
}

interface Counts {
  hosts: number;
  byState: Record<HostState, number>;
  unavailable: Map<string, number>;
}

/** By host kind and namespace. A pool is there while it has a host or a claim. */
export function viewPools(world: World, namespace: string | null): PoolView[] {
  const pools = new Map<string, Counts>();
  const countsOf = (pool: string) => {
    const counts = pools.get(pool) ?? noCounts();
    pools.set(pool, counts);
    return counts;
  };
  for (const host of world.hosts()) {
    if (namespace !== null && host.namespace !== namespace) continue;
    const counts = countsOf(poolKey(host.kind, host.namespace));
    const { state, detail } = standingOf(world, host);
    counts.hosts++;
    counts.byState[state]++;
    if (state === "Unavailable") counts.unavailable.set(detail, (counts.unavailable.get(detail) ?? 0) + 1);
  }
  const queued = new Map(world.queue.pools().map((status) => [status.pool, status]));
  for (const pool of queued.keys()) {
    if (namespace === null || poolName(pool).namespace === namespace) countsOf(pool);
  }
  return [...pools]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([pool, { hosts, byState, unavailable }]) => {
      const oldest = world.queue.oldest(pool);
      return {
        ...poolName(pool),
        hosts,
        byState,
        unavailable: [...unavailable]
          .map(([why, count]) => ({ why, hosts: count }))
          .sort((a, b) => b.hosts - a.hosts),
        waiting: queued.get(pool)?.waiting ?? 0,
        placed: queued.get(pool)?.placed ?? 0,
        oldestSince: oldest === null ? null : new Date(oldest.createdAtMs).toISOString(),
      };
    });
}

function noCounts(): Counts {
  const byState = Object.fromEntries(HOST_STATES.map((state) => [state, 0])) as Record<HostState, number>;
  return { hosts: 0, byState, unavailable: new Map() };
}
