import { FAULTS, type Fault } from "./faults.ts";
import { Random } from "./random.ts";

/** All that a run depends on. A seed gives one; the shrinker takes things away from it. */
export interface Plan {
  readonly seed: number;
  readonly replicas: number;
  /** How many of them stand for election; the others only enforce. */
  readonly standing: number;
  readonly controllers: readonly ("current" | "v0.3.4")[];
  readonly hosts: number;
  readonly machines: number;
  /** ClaimRequests that stand for themselves. */
  readonly requests: number;
  readonly faults: readonly Fault[];
  /** How long faults go on, virtual milliseconds. */
  readonly faultMs: number;
  /** Within this time hosts, machines and requests are made. */
  readonly arrivalMs: number;
  /** Strikes of faults that are left out, "crashes 2"; what the shrinker has found not to matter. */
  readonly without: readonly string[];
  readonly lease: { readonly durationMs: number; readonly renewDeadlineMs: number; readonly retryMs: number };
}

const LEASES = [
  { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
  { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 },
  { durationMs: 6_000, renewDeadlineMs: 4_000, retryMs: 1_000 },
] as const;

/** Signing and checking certificates takes several times as long as everything else. */
const COSTLY: ReadonlySet<Fault> = new Set<Fault>(["rotation", "certificates"]);

export function planOf(seed: number): Plan {
  const random = new Random(seed).fork("plan");
  const replicas = random.integer(1, 3);
  const calm = random.chance(0.05);
  const faultMs = random.integer(10, 60) * 1_000;
  return {
    seed,
    replicas,
    // Without any, all claims are optimistic and only resourceVersion and bindings arbitrate.
    standing: random.chance(0.2) ? random.integer(0, random.integer(0, replicas)) : replicas,
    // Of one release: two that look after the same machines contradict each other without end.
    controllers: new Array(random.integer(1, 2)).fill(random.chance(0.7) ? "current" : "v0.3.4"),
    hosts: random.integer(1, 6),
    machines: random.integer(1, 8),
    requests: random.chance(0.3) ? 1 : 0,
    faults: calm ? [] : FAULTS.filter((fault) => random.chance(COSTLY.has(fault) ? 0.2 : 0.4)),
    faultMs,
    arrivalMs: Math.floor(faultMs / 3),
    without: [],
    lease: random.pick(LEASES)!,
  };
}

/** How a plan is written down, so that it can be read back: `SIM_PLAN`. */
export function formatPlan(plan: Plan): string {
  return JSON.stringify(plan);
}

export function parsePlan(text: string): Plan {
  return JSON.parse(text) as Plan;
}
