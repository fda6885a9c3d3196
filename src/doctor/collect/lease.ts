import { holderName } from "../../claims/holder.ts";
import { type Clock, sleep } from "../../clock.ts";
import type { KubeApi } from "../../kube/api.ts";
import { LEASES } from "../../kube/types.ts";
import { type LeaseRecord, readLease } from "../../leader/lease.ts";
import type { LeaseFacts, Span } from "../snapshot.ts";
import { orNull, reading } from "./reading.ts";
import { PODS } from "./types.ts";

/** Renewals come a retry period apart; as many in a row have to fail to come before the holder is distrusted. */
const RENEWALS_MISSED = 3;
const POLL_MS = 250;

export interface LeasePlace {
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** The replicas' --claim-coordinator-retry-period, milliseconds. */
  readonly retryPeriodMs: number;
  /** How far the API server's clock is ahead of ours. */
  readonly serverAhead: Span | null;
  /** Where the holder's pod may live. */
  readonly podNamespaces: readonly string[];
}

/** The Lease, watched until it is renewed, or for three retry periods; null where there is none. */
export async function readLeaseFacts(
  api: KubeApi,
  clock: Clock,
  place: LeasePlace,
): Promise<LeaseFacts | null> {
  const read = () => orNull(api.get(LEASES, { namespace: place.leaseNamespace, name: place.leaseName }));
  const sentMs = clock.wallMs();
  const first = await read();
  if (first === null) return null;
  const record = readLease(first);
  const name = holderName(record.holderIdentity);
  const [watch, holderPods] = await Promise.all([
    record.holderIdentity === "" ? notWatched(record) : watchLease(read, clock, { record, sentMs }, place),
    reading(podsNamed(api, name, place.podNamespaces)),
  ]);
  return { record, createdAtMs: Date.parse(first.metadata.creationTimestamp ?? ""), holderPods, ...watch };
}

type Watch = Pick<LeaseFacts, "watchedMs" | "after" | "renewed" | "holderAhead">;

function notWatched(record: LeaseRecord): Watch {
  return { watchedMs: 0, after: record, renewed: false, holderAhead: null };
}

/** Polled, not watched: that needs no right beyond "get", and each poll bounds the moment of a renewal. */
async function watchLease(
  read: () => ReturnType<typeof orNull>,
  clock: Clock,
  first: { readonly record: LeaseRecord; readonly sentMs: number },
  { retryPeriodMs, serverAhead }: LeasePlace,
): Promise<Watch> {
  const startedMs = clock.monotonicMs();
  const limitMs = RENEWALS_MISSED * retryPeriodMs + POLL_MS;
  let { sentMs } = first;
  for (;;) {
    await sleep(clock, POLL_MS);
    // Not before the read that did not show it was sent, and not after the answer of the one that does.
    const beforeMs = sentMs;
    sentMs = clock.wallMs();
    const object = await read();
    const watchedMs = clock.monotonicMs() - startedMs;
    const after = object === null ? null : readLease(object);
    const renewed = after !== null && after.renewTime !== first.record.renewTime;
    if (after === null || renewed || watchedMs >= limitMs) {
      const moment = { beforeMs, afterMs: clock.wallMs() };
      const holderAhead = renewed ? aheadOfServer(Date.parse(after.renewTime), moment, serverAhead) : null;
      return { watchedMs, after, renewed, holderAhead };
    }
  }
}

/** The holder wrote its own time at a moment between these two. */
function aheadOfServer(
  writtenMs: number,
  { beforeMs, afterMs }: { beforeMs: number; afterMs: number },
  serverAhead: Span | null,
): Span | null {
  if (serverAhead === null || Number.isNaN(writtenMs)) return null;
  return {
    leastMs: writtenMs - afterMs - serverAhead.mostMs,
    mostMs: writtenMs - beforeMs - serverAhead.leastMs,
  };
}

async function podsNamed(api: KubeApi, name: string, namespaces: readonly string[]): Promise<string[]> {
  if (name === "") return [];
  // A name that no pod can have (a user's, say) is refused by nobody here: the list is just empty.
  const fieldSelector = `metadata.name=${name}`;
  const found = await Promise.all(
    namespaces.map((namespace) => api.list(PODS, { namespace, fieldSelector })),
  );
  return found.flatMap(({ items }) => items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
}
