import { type Consumer, consumerKey, type Host, sameConsumer } from "../../src/claims/claim.ts";
import { isHeldBy, unresolvedBinding } from "../../src/coordinator/facts.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import type { Change, Store } from "../../src/sandbox/store.ts";
import { HOSTS, REQUESTS, Stored } from "./stored.ts";

/** What storage must never show, looked at within each write of a host or a request. */
export function checkStorage(
  store: Pick<Store, "list" | "get" | "subscribe">,
  violated: (sentence: string) => void,
): void {
  const stored = new Stored(store);

  store.subscribe(HOSTS, ({ type, object, previous }: Change) => {
    if (type === "DELETED") return;
    const host = physicalHostProfile.readHost(object);
    const before = previous === undefined ? null : physicalHostProfile.readHost(previous);
    const { consumer } = host;
    if (consumer === null || (before !== null && isHeldBy(before, consumer))) return;
    if (before?.consumer) {
      violated(`${host.name} went from ${shown(before.consumer)} to ${shown(consumer)} without a release`);
    }
    if (before !== null && before.unavailable !== "")
      violated(`${host.name} was given away though it was not available: ${before.unavailable}`);
    for (const other of stored.hosts()) {
      if (other.uid !== host.uid && isHeldBy(other, consumer))
        violated(`${shown(consumer)} got ${host.name} while it had ${other.name}`);
    }
    if (!isCovered(stored, consumer, host, before))
      violated(`${shown(consumer)} got ${host.name} without a binding that names it`);
  });

  store.subscribe(REQUESTS, ({ type, previous }: Change) => {
    if (type !== "DELETED" || previous === undefined) return;
    const request = readClaimRequest(previous);
    const binding = unresolvedBinding(request);
    const host = stored.hosts().find(({ uid }) => uid === binding?.hostUID);
    if (host !== undefined && host.resourceVersion === binding?.hostResourceVersion)
      violated(`request ${request.name} is gone while a write of ${host.name} for it may be under way`);
  });
}

/** Only a binding says which host a consumer may be getting; one that names this version of it must be there. */
function isCovered(stored: Stored, consumer: Consumer, host: Host, before: Host | null): boolean {
  const request = stored.requestOf(consumer, host.namespace);
  if (request === null || !sameConsumer(request.consumer, consumer)) return false;
  const { binding } = request;
  return binding?.hostUID === host.uid && binding.hostResourceVersion === before?.resourceVersion;
}

export function shown(consumer: Consumer): string {
  return `${consumerKey(consumer)}${consumer.uid === "" ? "" : ` (${consumer.uid.slice(0, 8)})`}`;
}
