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
import type { Deeds } from "./deeds.ts";
import type { SimProcess } from "./process.ts";
import { SYSTEM_NAMESPACE } from "./server.ts";

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
  gauge(name: string): Promise<Map<string, number>> {
    return this.#values(name);
  }

  /** Where counters and histograms say something else than what happened, in sentences. */
  async differences(deeds: Readonly<Deeds>): Promise<string[]> {
    const wanted: [metric: string, suffix: string, was: ReadonlyMap<string, number>][] = [
      ["admission_decisions_total", "", deeds.decisions],
      ["admission_duration_seconds", "_count", deeds.reviews],
      ["admission_duration_seconds", "_sum", deeds.reviewSeconds],
      ["results_total", "", deeds.results],
      ["processing_duration_seconds", "_count", deeds.results],
      ["time_to_bind_seconds", "_count", deeds.bound],
      ["time_to_bind_seconds", "_sum", deeds.boundSeconds],
      ["leader_election_total", "", deeds.elections],
    ];
    const differences: string[] = [];
    for (const [metric, suffix, was] of wanted) {
      const told = await this.#values(metric, suffix);
      for (const key of new Set([...told.keys(), ...was.keys()])) {
        const [counted = 0, happened = 0] = [told.get(key), was.get(key)];
        if (Math.abs(counted - happened) > ROUNDING)
          differences.push(`says ${metric}${suffix} ${key} ${counted}, and it was ${happened}`);
      }
    }
    return differences;
  }

  /** What is not nothing, by the values of all labels. */
  async #values(metric: string, suffix = ""): Promise<Map<string, number>> {
    const family = await this.#registry.getSingleMetric(METRIC_PREFIX + metric)?.get();
    const values = new Map<string, number>();
    for (const { labels, value, ...rest } of family?.values ?? []) {
      // A histogram's values are of several metrics.
      if (suffix !== "" && (!("metricName" in rest) || rest.metricName !== METRIC_PREFIX + metric + suffix))
        continue;
      if (value !== 0) values.set(Object.values(labels).join(" "), value);
    }
    return values;
  }
}

/** Of sums of many fractions of a second. */
const ROUNDING = 1e-6;
