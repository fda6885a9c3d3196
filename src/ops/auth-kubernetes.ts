import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { KubeApi } from "../kube/api.ts";
import { SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS } from "../kube/types.ts";
import type { Access, CheckAccess, CheckToken, User } from "./auth.ts";
import { AnswerCache } from "./auth-cache.ts";

export interface ReviewOptions {
  api: Pick<KubeApi, "create">;
  clock: Clock;
  /** How long an answer is used again, milliseconds; default 10_000. */
  cacheMs?: number;
}

const DEFAULT_CACHE_MS = 10_000;
/** More distinct tokens than people and scrapers have; a flood of false ones must not fill the memory. */
const CACHE_LIMIT = 1_000;

/** Whose a token is, by TokenReview. `audiences` empty: those of the API server itself. */
export function checkTokenByReview(options: ReviewOptions & { audiences?: readonly string[] }): CheckToken {
  const { api, clock, cacheMs = DEFAULT_CACHE_MS, audiences = [] } = options;
  const cache = new AnswerCache<User | undefined>({ clock, lifeMs: cacheMs, limit: CACHE_LIMIT });
  const ask = async (token: string) => {
    const review = await api.create(TOKEN_REVIEWS, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: { name: "" },
      spec: { token, audiences: [...audiences] },
    });
    return readReview(review.status, audiences);
  };
  // Tokens themselves are not kept: a heap dump would hold them.
  return (token) => cache.get(createHash("sha256").update(token).digest("base64"), () => ask(token));
}

interface TokenReviewStatus {
  authenticated?: boolean;
  audiences?: string[];
  user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
}

function readReview(raw: unknown, audiences: readonly string[]): User | undefined {
  const { authenticated, user, audiences: meant = [] } = (raw ?? {}) as TokenReviewStatus;
  if (authenticated !== true || !user?.username) return undefined;
  // An authenticator that knows nothing of audiences names none: such a token is not meant for us.
  if (audiences.length > 0 && !audiences.some((audience) => meant.includes(audience))) return undefined;
  return { username: user.username, uid: user.uid ?? "", groups: user.groups ?? [], extra: user.extra ?? {} };
}

/** Whether a user may, by SubjectAccessReview. */
export function checkAccessByReview(options: ReviewOptions): CheckAccess {
  const { api, clock, cacheMs = DEFAULT_CACHE_MS } = options;
  const cache = new AnswerCache<boolean>({ clock, lifeMs: cacheMs, limit: CACHE_LIMIT });
  const ask = async ({ username, uid, groups, extra }: User, access: Access) => {
    const review = await api.create(SUBJECT_ACCESS_REVIEWS, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: { name: "" },
      spec: { user: username, uid, groups, extra, ...attributes(access) },
    });
    return (review.status as { allowed?: boolean } | undefined)?.allowed === true;
  };
  return (user, access) => cache.get(JSON.stringify([user, access]), () => ask(user, access));
}

function attributes(access: Access) {
  return "path" in access ? { nonResourceAttributes: access } : { resourceAttributes: access };
}
