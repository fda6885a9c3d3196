import { METRIC_PREFIX } from "../../metrics/table.ts";
import { type Finding, ok, problem } from "../finding.ts";
import { parseMetrics } from "../metrics-text.ts";
import type { Snapshot } from "../snapshot.ts";
import { leaseCommand, logs, seconds } from "./words.ts";

/** A watch is silent for as long between two bookmarks; they come about once a minute. */
const STALE_SECONDS = 120;

/** What only a running replica knows. */
export function checkMetrics({ metrics, place }: Snapshot): Finding[] {
  if (metrics === null) return [];
  if (!metrics.ok) return [problem("NotReadable", "warning", `/metrics: ${metrics.problem}`, logs(place))];
  const samples = parseMetrics(metrics.value);
  const named = (name: string) => samples.filter((sample) => sample.name === `${METRIC_PREFIX}${name}`);
  const staleness = named("watch_staleness_seconds");
  const findings = staleness
    .filter(({ value }) => value > STALE_SECONDS)
    .map(({ labels, value }) => {
      const what = `The replica last heard of ${labels.resource} ${seconds(value * 1000)} ago`;
      return problem("MirrorStale", "warning", what, `${logs(place)} | grep ${labels.resource}`);
    });
  if (named("holder_unmatched").some(({ value }) => value === 1)) {
    const what = "The replica has never recognised the holder of the Lease in a claim";
    findings.push(problem("HolderUnmatched", "error", what, leaseCommand(place)));
  }
  if (findings.length > 0) return findings;
  return staleness.length === 0
    ? [problem("NotReadable", "warning", "/metrics holds nothing of this service", logs(place))]
    : [ok("metrics", `${staleness.length} mirrors, all heard of lately`)];
}
