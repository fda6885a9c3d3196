import type { Host } from "../claims/claim.ts";
import type { World } from "../coordinator/world.ts";

/** Every state, in the order in which they are shown. A host is in exactly one. */
export const HOST_STATES = [
  "Free",
  "Reserved",
  "Binding",
  "Held",
  "Orphaned",
  "Unavailable",
  "Deleting",
] as const;
export type HostState = (typeof HOST_STATES)[number];

export interface HostStanding {
  readonly state: HostState;
  /** In words: "held by Beskar7Machine team-a/web-0", "state is Error". */
  readonly detail: string;
}

/**
 * Free: any claim that fits may have it. Reserved: free for machines of one cluster. Binding: somebody may be getting
 * it now. Orphaned: its consumer no longer exists. Unavailable: its own status says why.
 */
export function standingOf(world: World, host: Host): HostStanding {
  const { consumer, reservedFor } = host;
  if (consumer !== null) {
    const who = `${consumer.kind} ${consumer.namespace}/${consumer.name}`;
    return world.isGone(consumer)
      ? { state: "Orphaned", detail: `held by ${who}, which no longer exists` }
      : { state: "Held", detail: `held by ${who}` };
  }
  if (host.deleting) return { state: "Deleting", detail: "being deleted" };
  if (host.unavailable !== "") return { state: "Unavailable", detail: host.unavailable };
  if (!world.queue.hasHost(host.uid)) return { state: "Binding", detail: "being bound" };
  if (reservedFor === null) return { state: "Free", detail: "free" };
  return { state: "Reserved", detail: `reserved for cluster ${reservedFor.namespace}/${reservedFor.name}` };
}

/** The same as a clause about the host: "it is held by ...", "its state is Error". */
export function clauseOf({ state, detail }: HostStanding): string {
  if (detail.startsWith("it ")) return detail;
  return state === "Unavailable" ? `its ${detail}` : `it is ${detail}`;
}
