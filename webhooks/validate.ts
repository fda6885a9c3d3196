import type { Rejection } from "../src/claims/reasons.ts";
import type { Clock } from "../src/clock.ts";
import type { Bindings, Taken } from "../src/coordinator/binding.ts";
import type { World } from "../src/coordinator/world.ts";
import type { Log } from "../src/log.ts";
import type { Outcomes } from "./outcome.ts";
import type { Refusals } from "./refusal.ts";
import type { ReviewAnswer, ReviewHandler, ReviewRequest } from "./review.ts";
import { consumerRefOf, type Judge, termOf, type Verdict } from "./verdict.ts";

export interface ValidateOptions {
  judge: Judge;
  refusals: Refusals;
  outcomes: Outcomes;
  bindings: Bindings;
  world: World;
  clock: Clock;
  log: Log;
  /** false where the ClaimRequest CRD is missing: then only the host is protected, by its resourceVersion. */
  canBind(): boolean;
}

const HOST_ONLY =
  "the ClaimRequest CRD is not installed: two claims of one consumer for two hosts at once are not prevented";

/**
 * /validate: judges the final object, whether /mutate saw it or not, and takes the consumer's binding before it
 * lets a claim through. An admitted write may be stored much later, or never; the binding covers both.
 */
export function createValidate(options: ValidateOptions): ReviewHandler {
  const { judge, refusals, outcomes, bindings, world, clock, log, canBind } = options;

  const take = async (
    request: ReviewRequest,
    verdict: Verdict,
    signal: AbortSignal,
  ): Promise<Taken | Rejection> => {
    const { consumer, host } = verdict;
    if (consumer === null || host === null) throw new TypeError("a claim without consumer or host");
    try {
      return await bindings.take(
        {
          consumer: world.identified(consumer),
          consumerRef: consumerRefOf(request.object),
          hostKind: host.kind,
          namespace: host.namespace,
          host,
          term: termOf(verdict),
        },
        { signal },
      );
    } catch (error) {
      log.warn({ err: error, uid: request.uid, host: host.name }, "A binding could not be taken");
      const detail = error instanceof Error ? error.message : "the write failed";
      return { reason: "RecordingFailed", host, consumer, detail };
    }
  };

  return (request, signal) => {
    const startedMs = clock.monotonicMs();
    const refuse = (verdict: Verdict, rejection: Rejection) =>
      refusals.refuse("validate", request, verdict, rejection, startedMs, signal);

    const allow = (verdict: Verdict) => outcomes.allow("validate", request, verdict, startedMs);
    /** Writing the binding took its time, and somebody else leads by now. */
    const judgedAnew = async () => {
      const verdict = await judge.judge(request, signal);
      const { decision } = verdict;
      return decision.allow ? allow(verdict) : refuse(verdict, decision.rejection);
    };

    const whileItStands = (verdict: Verdict) => {
      const stands = judge.stands(verdict, signal);
      if (stands instanceof Promise) return stands.then((still) => (still ? allow(verdict) : judgedAnew()));
      return stands ? allow(verdict) : judgedAnew();
    };

    const answer = (verdict: Verdict): ReviewAnswer | Promise<ReviewAnswer> => {
      const { decision, consumer, host } = verdict;
      if (!decision.allow) return refuse(verdict, decision.rejection);
      if (!decision.takesBinding || request.dryRun || consumer === null || host === null)
        return allow(verdict);
      if (!canBind())
        return outcomes.allow("validate", request, verdict, startedMs, { warnings: [HOST_ONLY] });
      return take(request, verdict, signal).then((taken) => {
        if (!("ok" in taken)) return refuse(verdict, taken);
        if (taken.ok) return whileItStands(verdict);
        const about = { host: { namespace: host.namespace, name: host.name }, consumer };
        return refuse(
          verdict,
          taken.reason === "ConsumerHoldsHost"
            ? { reason: taken.reason, ...about, heldHost: taken.hostName, by: taken.by }
            : { reason: taken.reason, ...about, detail: taken.detail },
        );
      });
    };

    const verdict = judge.judge(request, signal);
    return verdict instanceof Promise ? verdict.then(answer) : answer(verdict);
  };
}
