import type { Clock } from "../../clock.ts";
import type { KubeApi, KubeObject } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";
import type { Whoami } from "../../kube/identity.ts";
import { SELF_SUBJECT_REVIEWS } from "../../kube/types.ts";
import type { Span } from "../snapshot.ts";

/** The API server writes creationTimestamp in whole seconds, cut off. */
const RESOLUTION_MS = 1_000;

/**
 * Who the API server takes the caller for, and what time it thinks it is: a SelfSubjectReview needs no rights and
 * carries the time of its creation. Rejects with a KubeError; a server that knows no such review (before Kubernetes
 * 1.28) gives nulls.
 */
export async function introduce(
  api: KubeApi,
  clock: Clock,
): Promise<{ caller: Whoami | null; serverAhead: Span | null }> {
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
    if (isNotFound(error)) return { caller: null, serverAhead: null };
    throw error;
  }
}

/** How far a clock that said `thenMs`, cut to whole seconds, at a moment between these two is ahead of ours. */
export function aheadOf(thenMs: number, { beforeMs, afterMs }: { beforeMs: number; afterMs: number }): Span {
  return { leastMs: thenMs - afterMs, mostMs: thenMs + RESOLUTION_MS - beforeMs };
}

function callerOf(review: KubeObject): Whoami {
  const { userInfo = {} } = (review.status ?? {}) as {
    userInfo?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
  const { username = "", uid = "", groups = [], extra = {} } = userInfo;
  return { username, uid, groups, podName: extra["authentication.kubernetes.io/pod-name"]?.[0] ?? "" };
}
