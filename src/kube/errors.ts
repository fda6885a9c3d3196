import type { KubeStatus } from "./api.ts";

/**
 * KUBE_STATUS: the API server answered with a Status; `status` is it.
 * KUBE_TRANSPORT: no whole answer arrived (refused, reset, TLS, garbage); a write may have landed.
 * KUBE_TIMEOUT: no answer in time; a write may have landed, or may land later.
 * KUBE_ABORTED: the caller's signal was aborted; the same holds.
 */
export type KubeErrorCode = "KUBE_STATUS" | "KUBE_TRANSPORT" | "KUBE_TIMEOUT" | "KUBE_ABORTED";

export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly code: KubeErrorCode;
  /** Only with KUBE_STATUS. */
  readonly status: KubeStatus | undefined;
  /** Retry-After of the answer, in whole seconds, where the server sent one. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { status?: KubeStatus; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds ?? options.status?.details?.retryAfterSeconds;
  }
}

function hasStatus(error: unknown, code: number): error is KubeError {
  return error instanceof KubeError && error.status?.code === code;
}

export const isNotFound = (error: unknown) => hasStatus(error, 404);
/**
 * 404 for this very object, from a server that knows its kind. A kind, or a version of it, that is not served has a
 * 404 too, and says nothing of the objects: they may live on in another version.
 */
export const isObjectNotFound = (error: unknown) =>
  hasStatus(error, 404) && (error.status?.details?.name ?? "") !== "";
export const isForbidden = (error: unknown) => hasStatus(error, 403);
export const isUnauthorized = (error: unknown) => hasStatus(error, 401);
export const isGone = (error: unknown) => hasStatus(error, 410);
export const isInvalid = (error: unknown) => hasStatus(error, 422);
export const isTooManyRequests = (error: unknown) => hasStatus(error, 429);

/** 409 for a resourceVersion that has moved on (or an admission webhook that answers so), not for AlreadyExists. */
export const isConflict = (error: unknown): error is KubeError =>
  hasStatus(error, 409) && error.status?.reason !== "AlreadyExists";

export const isAlreadyExists = (error: unknown): error is KubeError =>
  hasStatus(error, 409) && error.status?.reason === "AlreadyExists";

/**
 * Whether a write that ended with this error certainly did not, and never will, take effect. Not so for
 * timeouts, broken connections and 5xx: storage may have accepted, or may yet accept, what the answer lost.
 */
export function isDefiniteRejection(error: unknown): boolean {
  const code = error instanceof KubeError ? error.status?.code : undefined;
  return code !== undefined && code >= 400 && code < 500 && code !== 408;
}

/** Whether the same call may succeed later with nothing else changed. */
export function isRetriable(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  if (error.code !== "KUBE_STATUS") return error.code !== "KUBE_ABORTED";
  const code = error.status?.code ?? 0;
  return code === 408 || code === 429 || code >= 500;
}
