import type { Clock } from "../src/clock.ts";
import type { Outcomes } from "./outcome.ts";
import type { Refusals } from "./refusal.ts";
import type { ReviewAnswer, ReviewHandler } from "./review.ts";
import type { Stamps } from "./stamps.ts";
import type { Judge, Verdict } from "./verdict.ts";

export interface MutateOptions {
  judge: Judge;
  refusals: Refusals;
  outcomes: Outcomes;
  stamps: Stamps;
  clock: Clock;
}

/**
 * /mutate: rejects early, since a write refused here never reaches storage or other webhooks, and stamps what it
 * lets through. It takes no binding: what it sees may be doomed by a stale resourceVersion already.
 */
export function createMutate({ judge, refusals, outcomes, stamps, clock }: MutateOptions): ReviewHandler {
  return (request, signal) => {
    const startedMs = clock.monotonicMs();
    const answer = (verdict: Verdict): ReviewAnswer | Promise<ReviewAnswer> => {
      const { decision } = verdict;
      if (!decision.allow)
        return refusals.refuse("mutate", request, verdict, decision.rejection, startedMs, signal);
      if (!decision.takesBinding) return outcomes.allow("mutate", request, verdict, startedMs);
      const patch = stamps.patch(request, verdict, clock.wallMs());
      if (!(patch instanceof Promise))
        return outcomes.allow("mutate", request, verdict, startedMs, { patch });
      return patch.then((late) => outcomes.allow("mutate", request, verdict, startedMs, { patch: late }));
    };
    const verdict = judge.judge(request, signal);
    return verdict instanceof Promise ? verdict.then(answer) : answer(verdict);
  };
}
