import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import { INTERNAL_REASONS } from "./claims/reasons.ts";
import {
  LEADER_EVENTS,
  type LeaderEvent,
  METRIC_PREFIX,
  METRICS,
  type MetricName,
  type MetricSpec,
  RESULTS,
  type Result,
  type Verdict,
  WEBHOOKS,
  type Webhook,
} from "./metrics/table.ts";

export {
  type LeaderEvent,
  type Result,
  renderMetricsMarkdown,
  type Verdict,
  type Webhook,
} from "./metrics/table.ts";

/** One value of a gauge that is told by pool. */
export interface PoolValue {
  readonly namespace: string;
  readonly hostKind: string;
  readonly value: number;
}

/**
 * What the gauges are computed from, each asked on every scrape. They must be quick (they run on the scrape's
 * turn) and must not throw.
 */
export interface GaugeSources {
  queueDepth(): Iterable<PoolValue>;
  oldestWaitSeconds(): Iterable<PoolValue>;
  freeHosts(): Iterable<PoolValue>;
  orphanedHosts(): Iterable<PoolValue>;
  /** Namespaces that have hosts; they are made known at each scrape. */
  hostNamespaces(): Iterable<string>;
  watchStalenessSeconds(): Iterable<{ readonly resource: string; readonly value: number }>;
  /** undefined before there is a certificate. */
  certificateExpirySeconds(): number | undefined;
  /** By kind of configuration. */
  registrationDifferences(): Iterable<{ readonly kind: string; readonly count: number }>;
  /** seconds is 0 while this replica is not the holder. */
  leadership(): { readonly namespace: string; readonly identity: string; readonly seconds: number };
  holderUnmatched(): boolean;
  inflightReviews(): number;
}

/** What the rooms report; every method is cheap enough for a review. Durations in seconds. */
export interface Metrics {
  leaderEvent(namespace: string, event: LeaderEvent): void;
  result(namespace: string, result: Result, seconds: number): void;
  decision(webhook: Webhook, verdict: Verdict, reason: string, seconds: number): void;
  bound(hostKind: string, waitedSeconds: number): void;
  malformedAnnotations(namespace: string, count: number): void;
  /** Makes the closed label values of a namespace visible at zero, so that a rate over them works at once. */
  knowNamespace(namespace: string): void;
  /** Drops the series of a namespace that is gone. */
  forgetNamespace(namespace: string): void;
  /** The same as knowNamespace for the Lease's namespace and its election events. */
  knowLeaseNamespace(namespace: string): void;
  /** May be called again with further sources; what is named twice is replaced. */
  gaugesFrom(sources: Partial<GaugeSources>): void;
}

export interface MetricsOptions {
  readonly version: string;
  /** Also the default metrics of the process (memory, CPU, event loop); default true. */
  readonly processMetrics?: boolean;
}

/** Decisions of one kind, some of them not counted yet. */
interface Decided {
  readonly counter: Counter.Internal;
  readonly histogram: Histogram.Internal<string>;
  readonly uncountedSeconds: number[];
}

const DECISIONS_PER_BATCH = 256;

function countSeries({ counter, histogram, uncountedSeconds }: Decided): void {
  if (uncountedSeconds.length === 0) return;
  counter.inc(uncountedSeconds.length);
  for (const seconds of uncountedSeconds) histogram.observe(seconds);
  uncountedSeconds.length = 0;
}

/** Registers every metric of the table; throws when the registry has one of them already. */
export function createMetrics(
  registry: Registry,
  { version, processMetrics = true }: MetricsOptions,
): Metrics {
  const describe = (name: MetricName) => {
    const { help, labels }: MetricSpec = METRICS[name];
    return { name: METRIC_PREFIX + name, help, labelNames: [...labels], registers: [registry] };
  };
  const counter = (name: MetricName, collect = () => {}) =>
    new Counter<string>({ ...describe(name), collect });
  const histogram = (name: MetricName, collect = () => {}) => {
    const { buckets = [] }: MetricSpec = METRICS[name];
    return new Histogram<string>({ ...describe(name), buckets: [...buckets], collect });
  };
  const gauge = (name: MetricName, fill: (gauge: Gauge<string>) => void) =>
    new Gauge<string>({
      ...describe(name),
      collect() {
        this.reset();
        fill(this);
      },
    });

  const leaderEvents = counter("leader_election_total");
  // Before a namespace's first claim, whose count would be lost to a rate if the series began with it.
  const results = counter("results_total", () => {
    for (const namespace of sources.hostNamespaces?.() ?? []) knowNamespace(namespace);
  });
  const processing = histogram("processing_duration_seconds");
  const decisions = counter("admission_decisions_total", countDecisions);
  const admission = histogram("admission_duration_seconds", countDecisions);
  const waits = histogram("time_to_bind_seconds");
  const malformed = counter("malformed_annotations_total");

  const sources: Partial<GaugeSources> = {};
  const byPool = (name: MetricName, values: () => Iterable<PoolValue> | undefined) =>
    gauge(name, (pools) => {
      for (const { namespace, hostKind, value } of values() ?? [])
        pools.set({ namespace, host_kind: hostKind }, value);
    });
  byPool("queue_depth", () => sources.queueDepth?.());
  byPool("oldest_wait_seconds", () => sources.oldestWaitSeconds?.());
  byPool("free_hosts", () => sources.freeHosts?.());
  byPool("orphaned_hosts", () => sources.orphanedHosts?.());
  gauge("watch_staleness_seconds", (staleness) => {
    for (const { resource, value } of sources.watchStalenessSeconds?.() ?? [])
      staleness.set({ resource }, value);
  });
  gauge("certificate_expiry_timestamp_seconds", (expiry) => {
    const seconds = sources.certificateExpirySeconds?.();
    // A certificate that expired in 1970 would wake somebody; no series says that there is none yet.
    if (seconds === undefined) expiry.remove({});
    else expiry.set(seconds);
  });
  gauge("registration_differences", (differences) => {
    for (const { kind, count } of sources.registrationDifferences?.() ?? []) differences.set({ kind }, count);
  });
  gauge("leadership_duration_seconds", (leadership) => {
    const held = sources.leadership?.();
    if (held !== undefined)
      leadership.set({ namespace: held.namespace, identity: held.identity }, held.seconds);
  });
  gauge("holder_unmatched", (unmatched) => unmatched.set(sources.holderUnmatched?.() ? 1 : 0));
  gauge("admission_inflight_reviews", (inflight) => inflight.set(sources.inflightReviews?.() ?? 0));
  gauge("build_info", (info) => info.set({ version, node_version: process.versions.node }, 1));
  if (processMetrics) collectDefaultMetrics({ register: registry });
  for (const webhook of WEBHOOKS) {
    admission.zero({ webhook });
    // So that an alert sees the first fault of its kind.
    for (const reason of INTERNAL_REASONS) decisions.inc({ webhook, verdict: "error", reason }, 0);
  }

  // In the path of every review, where counting costs as much as deciding: kept until a scrape asks, or in batches.
  const decided = new Map<string, Decided>();
  function countDecisions(): void {
    for (const series of decided.values()) countSeries(series);
  }
  // Zeroing a histogram forgets what it has observed, so each namespace is zeroed once, before anything of it.
  const known = new Set<string>();
  function knowNamespace(namespace: string): void {
    if (known.has(namespace)) return;
    known.add(namespace);
    for (const result of RESULTS) {
      results.inc({ namespace, result_type: result }, 0);
      processing.zero({ namespace, result_type: result });
    }
    malformed.inc({ namespace }, 0);
  }

  return {
    knowNamespace,
    leaderEvent: (namespace, event) => leaderEvents.inc({ namespace, event_type: event }),
    result(namespace, result, seconds) {
      knowNamespace(namespace);
      const labels = { namespace, result_type: result };
      results.inc(labels);
      processing.observe(labels, seconds);
    },
    decision(webhook, verdict, reason, seconds) {
      const key = `${webhook} ${verdict} ${reason}`;
      let series = decided.get(key);
      if (series === undefined) {
        series = {
          counter: decisions.labels({ webhook, verdict, reason }),
          histogram: admission.labels({ webhook }),
          uncountedSeconds: [],
        };
        decided.set(key, series);
      }
      if (series.uncountedSeconds.push(seconds) >= DECISIONS_PER_BATCH) countSeries(series);
    },
    bound: (hostKind, waitedSeconds) => waits.observe({ host_kind: hostKind }, waitedSeconds),
    malformedAnnotations: (namespace, count) => malformed.inc({ namespace }, count),
    forgetNamespace(namespace) {
      known.delete(namespace);
      for (const result of RESULTS) {
        results.remove({ namespace, result_type: result });
        processing.remove({ namespace, result_type: result });
      }
      malformed.remove({ namespace });
    },
    knowLeaseNamespace(namespace) {
      for (const event of LEADER_EVENTS) leaderEvents.inc({ namespace, event_type: event }, 0);
    },
    gaugesFrom: (more) => void Object.assign(sources, more),
  };
}
