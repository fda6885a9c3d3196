import { type Claim, type Host, poolKey } from "../claims/claim.ts";
import { ClaimQueue } from "../claims/queue.ts";
import { fits } from "../claims/requirements.ts";
import { unresolvedBinding } from "../coordinator/facts.ts";
import type { World } from "../coordinator/world.ts";
import { type ConsumerName, nameOf } from "./entries.ts";
import { clauseOf, type HostState, standingOf } from "./host-state.ts";
import { needsInWords } from "./needs.ts";

/** More claims that fit than this are counted, not listed. */
const FITTING_LISTED = 10;

export interface HostExplanation {
  readonly hostKind: string;
  readonly namespace: string;
  readonly host: string;
  readonly state: HostState;
  /** In words: "it is held by ...", "its state is Error". */
  readonly why: string;
  /** Who holds it, or is getting it; null when nobody. */
  readonly consumer: ConsumerName | null;
  /** Who would get it if it were free now, as it may be; null while nobody waits that it would be given to. */
  readonly next: ConsumerName | null;
  /** The first of the waiting claims that it fits, by position. */
  readonly fitting: readonly (ConsumerName & { readonly position: number; readonly needs: string })[];
  readonly fittingTotal: number;
  readonly waitingTotal: number;
}

/** Hosts of this name, of every kind: names are unique within a kind and a namespace only. */
export function hostsNamed(world: World, namespace: string, name: string): Host[] {
  return [...world.hosts()].filter((host) => host.namespace === namespace && host.name === name);
}

export function explainHost(world: World, host: Host): HostExplanation {
  const standing = standingOf(world, host);
  const waiting = world.queue.waiting(poolKey(host.kind, host.namespace));
  const fitting = [...waiting.entries()].filter(([, claim]) => fits(claim.requirements, host));
  const next = whoGets(world, host, waiting);
  return {
    hostKind: host.kind,
    namespace: host.namespace,
    host: host.name,
    state: standing.state,
    why: clauseOf(standing),
    consumer: host.consumer === null ? whoIsGetting(world, host) : nameOf({ consumer: host.consumer }),
    next: next === null ? null : nameOf(next),
    fitting: fitting.slice(0, FITTING_LISTED).map(([index, claim]) => ({
      ...nameOf(claim),
      position: index + 1,
      needs: needsInWords(claim.requirements),
    })),
    fittingTotal: fitting.length,
    waitingTotal: waiting.length,
  };
}

/** Asked of a queue of its own, in which the host is free, so that the world stays as it is. */
function whoGets(world: World, host: Host, waiting: readonly Claim[]): Claim | null {
  if (world.queue.hasHost(host.uid)) return world.queue.explainHost(host.uid);
  const queue = new ClaimQueue();
  for (const other of world.hosts()) {
    const samePool = other.kind === host.kind && other.namespace === host.namespace;
    if (samePool && world.queue.hasHost(other.uid)) queue.setHost(other);
  }
  queue.setHost({ ...host, consumer: null, unavailable: "", deleting: false });
  for (const claim of waiting) queue.setClaim(claim);
  return queue.explainHost(host.uid);
}

function whoIsGetting(world: World, host: Host): ConsumerName | null {
  for (const [, facts] of world.consumers()) {
    const named = facts.request === null ? null : unresolvedBinding(facts.request);
    if (facts.reserved !== host.uid && named?.hostUID !== host.uid) continue;
    const consumer = facts.machine ?? facts.request?.consumer;
    if (consumer != null) return nameOf({ consumer: { ...consumer } });
  }
  return null;
}
