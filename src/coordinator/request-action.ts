import type { Host } from "../claims/claim.ts";
import { includes, isOlder } from "../kube/resource-version.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";
import { judgeBoundHost } from "./bound-host.ts";
import { isHeldBy } from "./facts.ts";

/** What a ClaimRequest needs next, as far as this replica's mirrors tell. */
export type RequestAction =
  | { do: "nothing" }
  /** Its binding can be settled by what the mirror shows already. */
  | { do: "markBound"; host: Host }
  | { do: "free"; why: string }
  /** Only a consistent read, and fencing if need be, can settle its binding. */
  | { do: "resolve" }
  | { do: "markReleased"; waitsAgain: boolean }
  /** It says Bound, and this replica's mirror, which may be behind, does not show it. */
  | { do: "confirmRelease"; waitsAgain: boolean }
  /** A host that no binding of its names is its consumer's, as this replica's mirror, which may be behind, has it. */
  | { do: "confirmHolding"; host: Host }
  /** After a consistent read that confirms it. */
  | { do: "deleteIfConsumerGone" }
  | { do: "releaseHost"; host: Host }
  | { do: "dropFinalizer" }
  /** Its machine's annotations can't be read, or can be again (""). */
  | { do: "reportMalformed"; message: string }
  /** It says that this replica, which leads, passes it over, and that is no longer so. */
  | { do: "endHoldBack" };

export interface RequestFacts {
  request: ClaimRequest;
  /** The host that its binding names, in the newest version this replica has seen. */
  boundHost: Host | undefined;
  /** Hosts that its consumer holds. */
  held: readonly Host[];
  /** Its consumer's kind is mirrored, and the consumer is not there. */
  consumerGone: boolean;
  /** Its consumer says itself that it waits. */
  consumerWaits: boolean;
  /** The processor of this very replica is writing the binding, or its host, and waits for the answer. */
  writingHere: boolean;
  /** What of its machine's annotations can't be read, in words; "" when all can. */
  malformed: string;
  /** It says that it is held back under the present term of this very replica, and it is not. */
  heldBackNoLonger: boolean;
}

/** In the order in which things must happen: a write in flight is settled before anything is forgotten. */
export function nextAction(facts: RequestFacts): RequestAction {
  const due = nextStep(facts);
  const { malformed, request } = facts;
  if (due.do !== "nothing" || request.deleting) return due;
  if (malformed !== request.malformed) return { do: "reportMalformed", message: malformed };
  return facts.heldBackNoLonger ? { do: "endHoldBack" } : due;
}

function nextStep(facts: RequestFacts): RequestAction {
  const { request, boundHost, held } = facts;
  const { binding, phase } = request;
  const holding = held[0];
  if (phase === "Binding" && binding !== null) {
    // An older version may show that the consumer held this very host before: that says nothing of this write.
    if (boundHost !== undefined && includes(boundHost.resourceVersion, binding.hostResourceVersion)) {
      const judged = judgeBoundHost(boundHost, request.consumer, binding);
      if (judged.state === "ours") return { do: "markBound", host: boundHost };
      if (judged.state === "free") return { do: "free", why: `Host ${binding.hostName} changed` };
    }
    // Whoever sent the write learns from its answer; to fence the host now would defeat it.
    return { do: facts.writingHere ? "nothing" : "resolve" };
  }
  if (request.deleting) {
    if (!request.hasFinalizer) return { do: "nothing" };
    if (request.explicit && holding !== undefined) return { do: "releaseHost", host: holding };
    return { do: "dropFinalizer" };
  }
  if (facts.consumerGone) return { do: "deleteIfConsumerGone" };
  if (phase === "Bound" && binding !== null) {
    if (boundHost !== undefined && isHeldBy(boundHost, request.consumer)) return { do: "nothing" };
    const seenSince =
      boundHost !== undefined && isOlder(binding.hostResourceVersion, boundHost.resourceVersion);
    if (!seenSince) return { do: "confirmRelease", waitsAgain: facts.consumerWaits };
    if (holding !== undefined) return { do: "confirmHolding", host: holding };
    return { do: "markReleased", waitsAgain: facts.consumerWaits };
  }
  if (holding !== undefined) return { do: "confirmHolding", host: holding };
  if (phase === "Released" && facts.consumerWaits) return { do: "markReleased", waitsAgain: true };
  return { do: "nothing" };
}
