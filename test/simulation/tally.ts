import { Registry } from "prom-client";
import { EventRecorder } from "../../src/coordinator/events.ts";
import type { World } from "../../src/coordinator/world.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { silentLog } from "../../src/log.ts";
import { METRIC_PREFIX } from "../../src/metrics/table.ts";
import { createMetrics, type Metrics } from "../../src/metrics.ts";
import { gaugeSources } from "../../src/ops/gauges.ts";
import { replicaEvents } from "../../src/ops/replica-events.ts";
import type { ReplicaEvents } from "../../src/replica.ts";
import type { ReplicaMember } from "./cluster.ts";
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
  /** When it last said that it leads, on its monotonic clock. */
  ledFromMs: number;
  /** Claims of others that /validate let through, dry runs apart. */
  admitted: number;
  /** Claims of its own of which it learned that they were stored. */
  claimed: number;
}

export function noDeeds(): Deeds {
  return {
    answers: new Map(),
    delegated: 0,
    rejected: 0,
    elections: new Map(),
    ledFromMs: 0,
    admitted: 0,
    claimed: 0,
  };
}

/** The metrics of one replica, as the manager makes them, to be compared with what it did. */
export class Tally {
  readonly events: ReplicaEvents;
  readonly #metrics: Metrics;
  readonly #registry = new Registry();

  constructor(process: SimProcess, random: () => number, api: KubeApi, world: () => World) {
    // Events are news, not records: they would only make the run longer.
    const quiet = { ...api, create: () => Promise.reject(new KubeError("KUBE_TRANSPORT", "not sent")) };
    const common = { clock: process, log: silentLog };
    this.#metrics = createMetrics(this.#registry, { version: "simulated", processMetrics: false });
    this.events = replicaEvents({
      ...common,
      metrics: this.#metrics,
      events: new EventRecorder({ ...common, api: quiet, random, component: "", instance: process.name }),
      leaseNamespace: SYSTEM_NAMESPACE,
      world,
    });
  }

  /** What the gauges are read from, as the manager sets it up; doors and orphans are not simulated. */
  measures({ replica, process, identity, serving }: Omit<ReplicaMember, "tally">): void {
    this.#metrics.gaugesFrom(
      gaugeSources({
        replica,
        orphans: { current: () => [] },
        certificates: { current: () => serving!.source!.current() },
        registrations: serving?.keeper ?? { edits: () => [] },
        webhook: { inflight: () => 0 },
        clock: process,
        identity,
        config: { leaseNamespace: SYSTEM_NAMESPACE, stateless: false },
      }),
    );
    if (serving === null) this.#metrics.gaugesFrom({ certificateExpirySeconds: () => undefined });
  }

  /** A gauge as it is now, by the values of its labels; what is nothing is left out. */
  async gauge(name: string): Promise<Map<string, number>> {
    const sums = await this.#sum(name, (labels) => Object.values(labels).join("/"));
    return new Map([...sums].filter(([, value]) => value !== 0));
  }

  /** Where the counters say something else than what happened, in sentences. */
  async differences(deeds: Readonly<Deeds>): Promise<string[]> {
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
    const bound = await this.#sum("time_to_bind_seconds", () => "", "_count");
    compare("waits that ended with a host", bound.get("") ?? 0, deeds.claimed);
    const timed = await this.#sum("admission_duration_seconds", () => "", "_count");
    const answers = [...deeds.answers.values()].reduce((sum, count) => sum + count, 0);
    compare("durations of reviews", timed.get("") ?? 0, answers);
    return differences;
  }

  async #sum(
    metric: string,
    keyOf: (labels: Partial<Record<string, string | number>>) => string,
    suffix = "",
  ): Promise<Map<string, number>> {
    const sums = new Map<string, number>();
    const family = await this.#registry.getSingleMetric(METRIC_PREFIX + metric)?.get();
    for (const { labels, value, ...rest } of family?.values ?? []) {
      // A histogram's values are of several metrics.
      if (suffix !== "" && !("metricName" in rest && rest.metricName === METRIC_PREFIX + metric + suffix))
        continue;
      const key = keyOf(labels);
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }
}
