import type { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import type { CertificateSource } from "../../certs/source.ts";
import type { WebhookServer } from "../../webhooks/server.ts";
import type { Claim, Host } from "../claims/claim.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Orphans } from "../coordinator/orphans.ts";
import type { GaugeSources, PoolValue } from "../metrics.ts";
import type { Replica } from "../replica.ts";

/**
 * What the gauges say, read from a running replica at each scrape. A stateless one says nothing of the cluster, of
 * which it knows only what its last review read, nor of leading, which it never does.
 */
export function gaugeSources(from: {
  replica: Replica;
  orphans: Pick<Orphans, "current">;
  certificates: Pick<CertificateSource, "current">;
  registrations: Pick<CaBundleKeeper, "edits">;
  webhook: Pick<WebhookServer, "inflight">;
  clock: Clock;
  identity: string;
  config: Pick<Config, "leaseNamespace" | "stateless">;
}): Partial<GaugeSources> {
  const { replica, orphans, certificates, registrations, webhook, clock, identity, config } = from;
  const { world } = replica;
  const waiting = function* (): Iterable<Claim> {
    for (const [, facts] of world.consumers()) {
      const demand = world.demand(facts);
      if (demand.waits) yield demand.claim;
    }
  };
  const free = function* (): Iterable<Host> {
    for (const host of world.hosts()) if (world.queue.hasHost(host.uid)) yield host;
  };
  const ofProcess = {
    hostNamespaces: () => {
      const namespaces = new Set<string>();
      for (const { namespace } of world.hosts()) namespaces.add(namespace);
      return namespaces;
    },
    certificateExpirySeconds: () => certificates.current().notAfterMs / 1000,
    registrationDifferences: () => registrations.edits(),
    holderUnmatched: () => replica.holderMatch.unmatched,
    inflightReviews: () => webhook.inflight(),
  };
  if (config.stateless) return ofProcess;
  return {
    ...ofProcess,
    queueDepth: () => byPool(waiting(), poolOfClaim, (count) => count + 1),
    oldestWaitSeconds: () =>
      byPool(waiting(), poolOfClaim, (oldest, claim) =>
        Math.max(oldest, (clock.wallMs() - claim.createdAtMs) / 1000),
      ),
    freeHosts: () => byPool(free(), poolOfHost, (count) => count + 1),
    orphanedHosts: () => byPool(orphans.current(), poolOfHost, (count) => count + 1),
    watchStalenessSeconds: () => replica.following.staleness(),
    leadership: () => ({
      namespace: config.leaseNamespace,
      identity,
      seconds: replica.leadingForMs() / 1000,
    }),
  };
}

interface Pool {
  readonly namespace: string;
  readonly hostKind: string;
}

const poolOfHost = ({ namespace, kind }: Host): Pool => ({ namespace, hostKind: kind });

/** The inverse of poolKey: kinds have no slash. */
function poolOfClaim({ pool }: Claim): Pool {
  const slash = pool.indexOf("/");
  return { hostKind: pool.slice(0, slash), namespace: pool.slice(slash + 1) };
}

function byPool<T>(
  items: Iterable<T>,
  poolOf: (item: T) => Pool,
  fold: (sum: number, item: T) => number,
): PoolValue[] {
  const sums = new Map<string, { namespace: string; hostKind: string; value: number }>();
  for (const item of items) {
    const pool = poolOf(item);
    const key = `${pool.hostKind}/${pool.namespace}`;
    const sum = sums.get(key) ?? { ...pool, value: 0 };
    sum.value = fold(sum.value, item);
    sums.set(key, sum);
  }
  return [...sums.values()];
}
