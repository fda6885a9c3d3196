import { formatPlan, type Plan } from "./plan.ts";
import { type Result, run } from "./run.ts";

/** Each takes one thing away. */
function* smaller(plan: Plan, { strikes }: Result): Generator<Plan> {
  for (const fault of plan.faults) yield { ...plan, faults: plan.faults.filter((other) => other !== fault) };
  if (plan.requests > 0) yield { ...plan, requests: 0 };
  if (plan.replicas > 1) {
    const replicas = plan.replicas - 1;
    yield { ...plan, replicas, standing: Math.min(plan.standing, replicas) };
  }
  if (plan.controllers.length > 1) yield { ...plan, controllers: plan.controllers.slice(0, 1) };
  if (plan.machines > 1) yield { ...plan, machines: plan.machines - 1 };
  if (plan.hosts > 1) yield { ...plan, hosts: plan.hosts - 1 };
  for (const part of [0.25, 0.5, 0.75, 0.9]) {
    const faultMs = Math.floor((plan.faultMs * part) / 1_000) * 1_000;
    if (faultMs >= 1_000 && faultMs < plan.faultMs) yield { ...plan, faultMs };
  }
  for (const strike of strikes) yield { ...plan, without: [...plan.without, strike] };
}

/** Wrong in the same way: violations differ in numbers and names, which change when anything is taken away. */
function kindOf({ violations }: Result): string {
  return (violations[0] ?? "").replace(/^\d+ ms: /, "").replace(/\S*[\d/#]\S*/g, "*");
}

/**
 * The smallest plan that still fails as `plan` does, reached by taking things away one at a time. It must not take
 * longer to fail: with a fault or a machine less the same seed is another run, which may fail much later.
 */
export async function shrink(
  plan: Plan,
  failed: Result,
  retry: (plan: Plan) => Promise<Result> = run,
): Promise<{ plan: Plan; result: Result }> {
  const kind = kindOf(failed);
  let best = { plan, result: failed };
  for (let again = true; again; ) {
    again = false;
    for (const candidate of smaller(best.plan, best.result)) {
      const result = await retry(candidate);
      if (result.violations.length === 0 || kindOf(result) !== kind) continue;
      if (result.events > best.result.events) continue;
      best = { plan: candidate, result };
      again = true;
      break;
    }
  }
  return best;
}

/** A failure with its shortest form, and the way to see both again. */
export async function explained(plan: Plan, result: Result): Promise<string> {
  const shortest = await shrink(plan, result);
  return [
    `SIM_SEED=${plan.seed} fails: ${result.violations.join("\n")}`,
    `The shortest run that fails alike: ${shortest.result.violations[0]}`,
    `SIM_PLAN='${formatPlan(shortest.plan)}' node scripts/run.mjs test/simulation/explore.ts`,
  ].join("\n");
}
