import type { Replica } from "../../src/replica.ts";
import { decodeReview, encodeReview, type ReviewAnswer } from "../../webhooks/review.ts";
import type { SimProcess } from "./process.ts";

export type ReviewPath = "/mutate" | "/validate";

/** timeoutSeconds of the registration; the service answers within half of it. */
export const WEBHOOK_TIMEOUT_MS = 10_000;

/** A replica's door for reviews without its sockets: decoded, judged in time, encoded. */
export function answerReview(
  { process, replica }: { process: SimProcess; replica: Replica },
  path: ReviewPath,
  body: string,
  reply: (body: string) => void,
): void {
  const webhook = path === "/mutate" ? "mutate" : "validate";
  const decoded = decodeReview(body);
  if (!decoded.ok) throw new Error(`the API server sent a malformed review: ${decoded.problem}`);
  const { request } = decoded;
  const abort = new AbortController();
  const startedMs = process.monotonicMs();
  const tookMs = () => process.monotonicMs() - startedMs;
  let answered = false;
  const answer = (verdict: ReviewAnswer) => {
    if (answered) return;
    answered = true;
    timer.cancel();
    reply(encodeReview(request.uid, verdict));
  };
  const timer = process.schedule(WEBHOOK_TIMEOUT_MS / 2, () => {
    abort.abort();
    answer(replica.outcomes.fail(webhook, request, { code: "DeadlineExceeded", tookMs: tookMs() }));
  });
  const fail = (cause: unknown) => {
    if (!answered)
      answer(replica.outcomes.fail(webhook, request, { code: "Internal", cause, tookMs: tookMs() }));
  };
  try {
    const verdict = replica.routes[path](request, abort.signal);
    if (verdict instanceof Promise) verdict.then(answer, fail);
    else answer(verdict);
  } catch (cause) {
    fail(cause);
  }
}
