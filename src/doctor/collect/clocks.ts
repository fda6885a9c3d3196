import type { Clock } from "../../clock.ts";
import { fieldsOf, statusOf, textOf } from "../../hosts/fields.ts";
import type { KubeApi, KubeObject } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";
import { SELF_SUBJECT_REVIEWS } from "../../kube/types.ts";
import type { Span } from "../snapshot.ts";

/** The API server writes creationTimestamp in whole seconds, cut off. */
const RESOLUTION_MS = 1_000;

/**
 * Whom the API server takes the caller for (a username), and what time it thinks it is: a SelfSubjectReview needs no rights and
 * carries the time of its creation. Rejects with a KubeError; a server that knows no such review (before Kubernetes
 * 1.28) tells neither.
 */
export async function introduce(
  api: KubeApi,
  clock: Clock,
): Promise<{ caller: string; serverAhead: Span | null }> {
  const beforeMs = clock.wallMs();
  const review = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
    metadata: { name: "" },
  };
  try {
    const answer = await api.create(SELF_SUBJECT_REVIEWS, review);
    const serverMs = Date.parse(answer.metadata.creationTimestamp ?? "");
    return {
      caller: callerOf(answer),
      serverAhead: Number.isNaN(serverMs) ? null : aheadOf(serverMs, { beforeMs, afterMs: clock.wallMs() }),
    };
  } catch (error) {
    if (isNotFound(error)) return { caller: "", serverAhead: null };
    throw error;
  }
}

/** How far a clock that said `thenMs`, cut to whole seconds, at a moment between these two is ahead of ours. */
export function aheadOf(thenMs: number, { beforeMs, afterMs }: { beforeMs: number; afterMs: number }): Span {
  return { leastMs: thenMs - afterMs, mostMs: thenMs + RESOLUTION_MS - beforeMs };
}

function callerOf(review: KubeObject): string {
  return textOf(fieldsOf(statusOf(review).userInfo).username);
}
