/** Every metric of this service but the default ones of the process. The one source of /metrics and docs/metrics.md. */

export const METRIC_PREFIX = "beskar7_claim_coordinator_";

/** event_type of leader_election_total. */
export const LEADER_EVENTS = ["started_leading", "stopped_leading", "new_leader"] as const;
export type LeaderEvent = (typeof LEADER_EVENTS)[number];

/**
 * result_type of results_total and processing_duration_seconds: bound; failed in a way that retrying won't mend;
 * failed and retried; left to the leader; rejected for any other reason.
 */
export const RESULTS = ["success", "error", "retry", "delegated", "rejected"] as const;
export type Result = (typeof RESULTS)[number];

export const WEBHOOKS = ["mutate", "validate"] as const;
export type Webhook = (typeof WEBHOOKS)[number];

/** error: answered with a retriable reason because the service itself failed. */
export const VERDICTS = ["allow", "reject", "error"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Seconds; of histograms only. */
  readonly buckets?: readonly number[];
}

// A claim takes from a write to the API server up to a queue that waits a minute for its controller.
const PROCESSING_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
// A review takes tens of microseconds without a write, and may last as long as the API server waits at the most.
const ADMISSION_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const WAIT_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400];

const POOL = ["namespace", "host_kind"];

/** By the name after METRIC_PREFIX. The first four are those of Beskar7's leader election demo, to the letter. */
export const METRICS = {
  leader_election_total: {
    type: "counter",
    help: "Leader election events seen by this replica.",
    labels: ["namespace", "event_type"],
  },
  results_total: {
    type: "counter",
    help: "Outcomes of claims, by the namespace of the hosts.",
    labels: ["namespace", "result_type"],
  },
  processing_duration_seconds: {
    type: "histogram",
    help: "Time from taking up a claim to its outcome.",
    labels: ["namespace", "result_type"],
    buckets: PROCESSING_BUCKETS,
  },
  leadership_duration_seconds: {
    type: "gauge",
    help: "How long this replica has been the holder without a break; 0 when it is not.",
    labels: ["namespace", "identity"],
  },
  admission_decisions_total: {
    type: "counter",
    help: "Verdicts on claims, by webhook and reason; the reason of an allowed claim says on which path.",
    labels: ["webhook", "verdict", "reason"],
  },
  admission_duration_seconds: {
    type: "histogram",
    help: "Time from the whole request to the whole answer of a review.",
    labels: ["webhook"],
    buckets: ADMISSION_BUCKETS,
  },
  admission_inflight_reviews: { type: "gauge", help: "Reviews under way now.", labels: [] },
  queue_depth: { type: "gauge", help: "Claims that wait for a host.", labels: POOL },
  oldest_wait_seconds: {
    type: "gauge",
    help: "How long the claim that waits longest has waited.",
    labels: POOL,
  },
  time_to_bind_seconds: {
    type: "histogram",
    help: "Time from the first sign that a consumer wants a host to its binding by this service.",
    labels: ["host_kind"],
    buckets: WAIT_BUCKETS,
  },
  free_hosts: { type: "gauge", help: "Hosts that could be claimed now.", labels: POOL },
  orphaned_hosts: { type: "gauge", help: "Hosts whose consumer no longer exists.", labels: POOL },
  watch_staleness_seconds: {
    type: "gauge",
    help: "Time since the mirror of a resource last heard from the API server.",
    labels: ["resource"],
  },
  certificate_expiry_timestamp_seconds: {
    type: "gauge",
    help: "When the serving certificate expires, seconds since the epoch.",
    labels: [],
  },
  registration_differences: {
    type: "gauge",
    help: "Settings of our webhook configuration that are not as installed; no series while there is none.",
    labels: ["kind"],
  },
  malformed_annotations_total: {
    type: "counter",
    help: "Annotations of machines that could not be read and count as absent.",
    labels: ["namespace"],
  },
  holder_unmatched: {
    type: "gauge",
    help: "1 while the Lease has a valid holder that no requester was ever recognised as.",
    labels: [],
  },
  build_info: {
    type: "gauge",
    help: "Always 1; what runs is in the labels.",
    labels: ["version", "node_version"],
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** docs/metrics.md, whole. A test compares the file with this. */
export function renderMetricsMarkdown(): string {
  const rows = Object.entries(METRICS as Record<string, MetricSpec>).map(
    ([name, { type, labels, help }]) =>
      `| \`${METRIC_PREFIX}${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`,
  );
  const closed: [label: string, values: readonly string[]][] = [
    ["event_type", LEADER_EVENTS],
    ["result_type", RESULTS],
    ["webhook", WEBHOOKS],
    ["verdict", VERDICTS],
  ];
  return `${[
    "# Metrics",
    "",
    "Generated from `src/metrics/table.ts`; `npm test` fails when this page is stale. Served at `/metrics` in the",
    "Prometheus text format, next to the default `process_` and `nodejs_` metrics of prom-client.",
    "",
    "| metric | type | labels | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
    "Closed sets of label values, present from the start (at zero) for the namespaces that are known:",
    "",
    ...closed.map(([label, values]) => `- \`${label}\`: ${values.map((value) => `\`${value}\``).join(", ")}`),
  ].join("\n")}\n`;
}
