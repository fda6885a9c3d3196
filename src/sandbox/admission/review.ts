import type { JsonObject } from "../json.ts";
import type { JsonPatchOperation } from "../patch/json-patch.ts";

/** How long and where: one webhook's clientConfig with its name and timeout. */
export interface WebhookTarget {
  readonly name: string;
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port: number;
  };
  /** Base64 of a PEM bundle; absent: the system's authorities. */
  readonly caBundle?: string;
  /** Whole milliseconds, 1_000 to 30_000. */
  readonly timeoutMs: number;
}

/** What came back: a status and a body that nobody has looked at yet. */
export interface WebhookAnswer {
  readonly code: number;
  /** Absent: text. */
  readonly contentType?: string;
  readonly body: string;
}

/**
 * Sends a review (JSON text) to a webhook. Rejects when no answer came, with the words that the API server
 * would use; `signal` is aborted when the webhook's time is up.
 */
export type WebhookCaller = (
  target: WebhookTarget,
  review: string,
  signal: AbortSignal,
) => Promise<WebhookAnswer>;

/** The `response` of an AdmissionReview that was found good. */
export interface ReviewResponse {
  readonly allowed: boolean;
  readonly patch: readonly JsonPatchOperation[] | undefined;
  readonly status: JsonObject;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}
