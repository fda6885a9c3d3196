import { Registry } from "prom-client";
import { EventRecorder } from "../../src/coordinator/events.ts";
import type { World } from "../../src/coordinator/world.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { silentLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { replicaEvents } from "../../src/ops/replica-events.ts";
import type { ReplicaEvents } from "../../src/replica.ts";
import type { SimProcess } from "./process.ts";
import { SYSTEM_NAMESPACE } from "./server.ts";

/** What one replica did, as those saw it who got its answers. */
export interface Deeds {
  /** Reviews answered, by webhook and verdict. */
  readonly answers: Map<string, number>;
  /** Reviews refused because the leader does it, and for what the claim is; dry runs apart. */
  delegated: number;
  rejected: number;
  /** Elections that it told of, by event. */
  readonly elections: Map<string, number>;
  /** Claims of others that /validate let through, dry runs apart. */
  admitted: number;
  /** Claims of its own of which it learned that they were stored. */
  claimed: number;
}

export function noDeeds(): Deeds {
  return { answers: new Map(), delegated: 0, rejected: 0, elections: new Map(), admitted: 0, claimed: 0 };
}

/** The metrics of one replica, as the manager makes them, to be compared with what it did. */
export class Tally {
  readonly events: ReplicaEvents;
  readonly #registry = new Registry();

  constructor(process: SimProcess, random: () => number, api: KubeApi, world: () => World) {
    // Events are news, not records: they would only make the run longer.
    const quiet = { ...api, create: () => Promise.reject(new KubeError("KUBE_TRANSPORT", "not sent")) };
    const common = { clock: process, log: silentLog };
    this.events = replicaEvents({
      ...common,
      metrics: createMetrics(this.#registry, { version: "simulated", processMetrics: false }),
      events: new EventRecorder({ ...common, api: quiet, random, component: "", instance: process.name }),
      leaseNamespace: SYSTEM_NAMESPACE,
      world,
    });
  }

  /** Where the metrics say something else than what happened, in sentences. */
  async differences(deeds: Deeds): Promise<string[]> {
    const counted = await this.#sum(
      "admission_decisions_total",
      ({ webhook, verdict }) =>
        // An error is a rejection with a reason of its own.
        `${webhook} ${verdict === "allow" ? "allow" : "reject"}`,
    );
    const results = await this.#sum("results_total", ({ result_type }) => String(result_type));
    const differences: string[] = [];
    const compare = (what: string, told: number, was: number) => {
      if (told !== was) differences.push(`counts ${told} ${what}, and it was ${was}`);
    };
    for (const key of new Set([...counted.keys(), ...deeds.answers.keys()]))
      compare(`${key} decisions`, counted.get(key) ?? 0, deeds.answers.get(key) ?? 0);
    compare("delegated claims", results.get("delegated") ?? 0, deeds.delegated);
    compare("rejected claims", results.get("rejected") ?? 0, deeds.rejected);
    const elections = await this.#sum("leader_election_total", ({ event_type }) => String(event_type));
    for (const event of new Set([...elections.keys(), ...deeds.elections.keys()]))
      compare(`times ${event}`, elections.get(event) ?? 0, deeds.elections.get(event) ?? 0);
    compare("claims that succeeded", results.get("success") ?? 0, deeds.admitted + deeds.claimed);
    return differences;
  }

  async #sum(
    metric: string,
    keyOf: (labels: Partial<Record<string, string | number>>) => string,
  ): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    const family = await this.#registry.getSingleMetric(`beskar7_claim_coordinator_${metric}`)?.get();
    for (const { labels, value } of family?.values ?? []) {
      const key = keyOf(labels);
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }
}
