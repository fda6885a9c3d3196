import { type Consumer, consumerKey } from "../src/claims/claim.ts";
import { describe, type Rejection, type RejectReason, toApiError } from "../src/claims/reasons.ts";
import type { Clock } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import type { ReviewAnswer, ReviewFailure, ReviewRequest } from "./review.ts";
import { termOf, type Verdict } from "./verdict.ts";

export type WebhookName = "mutate" | "validate";

/** One decision as audit log, metrics, events and status page see it. */
export interface DecisionRecord {
  readonly webhook: WebhookName;
  readonly uid: string;
  readonly allowed: boolean;
  readonly mode: "leader" | "optimistic" | "uninvolved" | "break-glass";
  readonly reason: RejectReason | "";
  /** The rejection's sentence, or "". */
  readonly message: string;
  readonly hostKind: string;
  readonly namespace: string;
  readonly host: string;
  readonly hostUID: string;
  readonly consumer: Consumer | null;
  readonly requester: string;
  readonly requesterIsHolder: boolean;
  readonly pod: string;
  readonly term: string;
  /** Whether the processor of a replica wrote it. */
  readonly ours: boolean;
  readonly dryRun: boolean;
  readonly atMs: number;
  readonly tookMs: number;
}

/** The seed's log lines, for what each of them describes. */
const ALLOWED_MESSAGE = {
  leader: "Processing claim as leader",
  optimistic: "Using fallback coordinator (no leader or leader election disabled)",
  uninvolved: "Not a claim",
  "break-glass": "Claim let through for a break-glass group",
} as const;

/** The processor has said already that it processes this one. */
const OWN_CLAIM = "The leader's own claim is let through";

const NOTHING_MORE = {};
const BROKE_GLASS = "allowed because you belong to a break-glass group of the coordinator";

export interface OutcomeOptions {
  clock: Clock;
  log: Log;
  rejectionCode: 409 | 403;
  onDecision(record: DecisionRecord): void;
}

/** Turns a verdict into the API server's answer, and tells everybody else about it: once per decision. */
export class Outcomes {
  readonly #options: OutcomeOptions;
  /** Answered as failed: the verdict that comes later reaches nobody, and must not be told as if it had. */
  readonly #failed = new WeakSet<ReviewRequest>();

  constructor(options: OutcomeOptions) {
    this.#options = options;
  }

  allow(
    webhook: WebhookName,
    request: ReviewRequest,
    verdict: Verdict,
    startedMs: number,
    extra: { patch?: ReviewAnswer["patch"]; warnings?: readonly string[] } = NOTHING_MORE,
  ): ReviewAnswer {
    const record = this.#record(webhook, request, verdict, startedMs, null);
    if (!this.#failed.has(request)) this.#tell(record);
    const warnings = verdict.brokeGlass ? [...(extra.warnings ?? []), BROKE_GLASS] : extra.warnings;
    // The API server keeps the first note of each name: what /mutate lets through, /validate may yet refuse.
    const noted = webhook === "validate" && record.mode !== "uninvolved";
    return {
      allowed: true,
      patch: extra.patch,
      warnings,
      auditAnnotations: noted ? audit(record) : undefined,
    };
  }

  reject(
    webhook: WebhookName,
    request: ReviewRequest,
    verdict: Verdict,
    rejection: Rejection,
    startedMs: number,
  ): ReviewAnswer {
    const record = this.#record(webhook, request, verdict, startedMs, rejection);
    if (!this.#failed.has(request)) this.#tell(record);
    return { ...this.#refusal(rejection), auditAnnotations: audit(record) };
  }

  /** For a review that failed inside, was late, or came when there were too many. */
  fail(webhook: WebhookName, request: ReviewRequest | undefined, failure: ReviewFailure): ReviewAnswer {
    const { log, onDecision } = this.#options;
    if (request !== undefined) this.#failed.add(request);
    const detail = failure.code === "Malformed" ? failure.problem : failure.code;
    const host = { namespace: request?.namespace ?? "", name: request?.name ?? "" };
    const reason =
      failure.code === "Overloaded" || failure.code === "DeadlineExceeded" ? "Overloaded" : "InternalError";
    const rejection: Rejection = { reason, host, consumer: null, detail };
    const record: DecisionRecord = {
      webhook,
      uid: request?.uid ?? "",
      allowed: false,
      mode: "uninvolved",
      reason,
      message: describe(rejection),
      hostKind: request?.oldObject.kind ?? "",
      namespace: host.namespace,
      host: host.name,
      hostUID: request?.oldObject.metadata.uid ?? "",
      consumer: null,
      requester: request?.userInfo.username ?? "",
      requesterIsHolder: false,
      pod: "",
      term: "",
      ours: false,
      dryRun: request?.dryRun ?? false,
      atMs: this.#options.clock.wallMs(),
      tookMs: "tookMs" in failure ? failure.tookMs : 0,
    };
    onDecision(record);
    const fields = { ...logFields(record), detail };
    if (failure.code === "Internal") log.error({ ...fields, err: failure.cause }, "A review failed");
    else log.warn(fields, "A review was not judged");
    return this.#refusal(rejection);
  }

  #refusal(rejection: Rejection): ReviewAnswer {
    const error = toApiError(rejection, { code: this.#options.rejectionCode });
    return { allowed: false, status: error };
  }

  #record(
    webhook: WebhookName,
    request: ReviewRequest,
    verdict: Verdict,
    startedMs: number,
    rejection: Rejection | null,
  ): DecisionRecord {
    const { clock } = this.#options;
    const { decision, host, requester } = verdict;
    const mode = verdict.brokeGlass ? "break-glass" : decision.allow ? decision.mode : "uninvolved";
    return {
      webhook,
      uid: request.uid,
      allowed: rejection === null,
      mode,
      reason: rejection?.reason ?? "",
      message: rejection === null ? "" : describe(rejection),
      hostKind: host?.kind ?? "",
      namespace: request.namespace,
      host: request.name,
      hostUID: host?.uid ?? "",
      consumer: verdict.consumer,
      requester: requester.username,
      requesterIsHolder: verdict.requesterIsHolder,
      pod: requester.podName,
      term: termOf(verdict),
      ours: verdict.intent !== null,
      dryRun: request.dryRun,
      atMs: clock.wallMs(),
      tookMs: clock.monotonicMs() - startedMs,
    };
  }

  #tell(record: DecisionRecord): void {
    const { log, onDecision } = this.#options;
    onDecision(record);
    // /validate has the last word: one line a claim is enough.
    const isNews = !record.allowed || (record.webhook === "validate" && record.mode !== "uninvolved");
    const level = record.mode === "break-glass" ? "warn" : isNews ? "info" : "debug";
    if (!log.isLevelEnabled(level)) return;
    const rejected = record.reason === "Delegated" ? "Delegating claim to leader" : "Claim rejected";
    const allowed = record.ours && record.mode === "leader" ? OWN_CLAIM : ALLOWED_MESSAGE[record.mode];
    log[level](logFields(record), record.allowed ? allowed : rejected);
  }
}

function logFields(record: DecisionRecord): object {
  const { webhook, uid, namespace, host, requester, pod, reason, term, dryRun } = record;
  return {
    webhook,
    uid,
    namespace,
    host,
    consumer: record.consumer === null ? "" : consumerKey(record.consumer),
    requester,
    ...(pod !== "" && { pod }),
    verdict: record.allowed ? "allow" : "reject",
    ...(reason !== "" && { reason }),
    ...(term !== "" && { term }),
    ...(dryRun && { dryRun }),
    latencyMs: Math.round(record.tookMs * 1000) / 1000,
  };
}

/** The API server puts the webhook's name before each key, and both into its audit log. */
function audit(record: DecisionRecord): Record<string, string> {
  return {
    verdict: record.allowed ? "allow" : "reject",
    ...(record.allowed ? { mode: record.mode } : { reason: record.reason }),
    ...(record.term !== "" && { term: record.term }),
    ...(record.consumer !== null && { consumer: consumerKey(record.consumer) }),
  };
}
