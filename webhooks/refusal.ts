import type { Rejection } from "../src/claims/reasons.ts";
import type { Clock } from "../src/clock.ts";
import type { Recorder } from "../src/coordinator/recorder.ts";
import type { World } from "../src/coordinator/world.ts";
import type { Log } from "../src/log.ts";
import type { Outcomes, WebhookName } from "./outcome.ts";
import type { ReviewAnswer, ReviewRequest } from "./review.ts";
import { consumerRefOf, type Verdict } from "./verdict.ts";

const NO_CRD = "the ClaimRequest CRD is not installed; run `beskar7-claim-coordinator install`";

export interface RefusalOptions {
  outcomes: Outcomes;
  recorder: Recorder;
  world: World;
  clock: Clock;
  log: Log;
  /** false where the ClaimRequest CRD is missing. */
  canRecord(): boolean;
}

/**
 * The way out for a claim that is not let through: one that only has to wait its turn is written to the queue
 * first, so that the answer "you are in the queue" is never a lie. The same for both webhooks.
 */
export class Refusals {
  readonly #options: RefusalOptions;

  constructor(options: RefusalOptions) {
    this.#options = options;
  }

  refuse(
    webhook: WebhookName,
    request: ReviewRequest,
    verdict: Verdict,
    rejection: Rejection,
    startedMs: number,
    signal: AbortSignal,
  ): ReviewAnswer | Promise<ReviewAnswer> {
    const { outcomes, clock, world, recorder } = this.#options;
    const { consumer } = verdict;
    const { holder, requesterIsHolder } = verdict;
    const byForeignHolder = holder.kind === "valid" && holder.foreign && requesterIsHolder;
    if (byForeignHolder && !request.dryRun && consumer !== null) {
      world.noteHolderAttempt(consumer, clock.monotonicMs());
    }
    const queues = rejection.reason === "Delegated" || rejection.reason === "OutOfOrder";
    if (!queues || request.dryRun || consumer === null) {
      return outcomes.reject(webhook, request, verdict, rejection, startedMs);
    }
    const { host } = verdict;
    if (host !== null && recorder.isRecorded({ consumer, hostKind: host.kind, namespace: host.namespace })) {
      return outcomes.reject(webhook, request, verdict, rejection, startedMs);
    }
    return this.#record(request, verdict, rejection, signal).then((answer) =>
      outcomes.reject(webhook, request, verdict, answer, startedMs),
    );
  }

  /** The rejection as it is to be said once the claim is in the queue, or why it is not. */
  async #record(
    request: ReviewRequest,
    verdict: Verdict,
    rejection: Rejection,
    signal: AbortSignal,
  ): Promise<Rejection> {
    const { recorder, canRecord, log, world } = this.#options;
    const { consumer, host } = verdict;
    if (consumer === null || host === null) return failed(rejection, "the claim names no consumer");
    if (!canRecord()) return failed(rejection, NO_CRD);
    try {
      const recorded = await recorder.record(
        {
          consumer: world.identified(consumer),
          consumerRef: consumerRefOf(request.object),
          hostKind: host.kind,
          namespace: host.namespace,
        },
        { signal },
      );
      if (recorded.ok) return rejection;
      if (!("holds" in recorded)) return failed(rejection, recorded.detail);
      const about = { host: rejection.host, consumer: rejection.consumer };
      return { reason: "ConsumerHoldsHost", ...about, heldHost: recorded.holds, by: "consumerRef" };
    } catch (error) {
      log.warn(
        { err: error, uid: request.uid, host: host.name },
        "A claim could not be written to the queue",
      );
      return failed(rejection, error instanceof Error ? error.message : "the write failed");
    }
  }
}

function failed({ host, consumer }: Rejection, detail: string): Rejection {
  return { reason: "RecordingFailed", host, consumer, detail };
}
