import { METRIC_PREFIX } from "../../metrics/table.ts";
import { type Finding, ok, problem, several } from "../finding.ts";
import { parseMetrics, type Sample } from "../metrics-text.ts";
import type { Place, Snapshot } from "../snapshot.ts";
import { leaseCommand, logs, seconds } from "./words.ts";

/** A watch is silent for as long between two bookmarks; they come about once a minute. */
const STALE_SECONDS = 120;
/** Of a replica's reviews; at its start a few come before it knows the cluster. */
const FAILING_SHARE = 0.01;

/** One replica's own samples, by their names without the prefix. */
interface Told {
  readonly url: string;
  named(name: string): Sample[];
}

/** What only running replicas know. */
export function checkMetrics({ metrics, place }: Snapshot): Finding[] {
  const told: Told[] = [];
  const findings: Finding[] = [];
  for (const { url, page } of metrics) {
    const samples = page.ok ? parseMetrics(page.value) : [];
    const named = (name: string) => samples.filter((sample) => sample.name === METRIC_PREFIX + name);
    if (named("build_info").length > 0) told.push({ url, named });
    else {
      const why = page.ok ? "holds nothing of this service" : page.problem;
      findings.push(problem("NotReadable", "warning", `${url}/metrics: ${why}`, logs(place)));
    }
  }
  for (const replica of told) findings.push(...ofReplica(replica, place));
  findings.push(...ofAll(told, place));
  if (findings.length > 0 || told.length === 0) return findings;
  const mirrors = told.reduce((sum, { named }) => sum + named("watch_staleness_seconds").length, 0);
  return [ok("metrics", `Replicas asked: ${told.length}; mirrors: ${mirrors}, all heard of lately`)];
}

function ofReplica({ url, named }: Told, place: Place): Finding[] {
  const findings = named("watch_staleness_seconds")
    .filter(({ value }) => value > STALE_SECONDS)
    .map(({ labels, value }) => {
      const what = `${url} last heard of ${labels.resource} ${seconds(value * 1000)} ago`;
      return problem("MirrorStale", "warning", what, `${logs(place)} | grep ${labels.resource}`);
    });
  if (named("holder_unmatched").some(({ value }) => value === 1)) {
    const what = `${url} has never recognised the holder of the Lease in a claim`;
    findings.push(problem("HolderUnmatched", "error", what, leaseCommand(place)));
  }
  const decisions = named("admission_decisions_total");
  const failed = decisions.filter(({ labels, value }) => labels.verdict === "error" && value > 0);
  const sum = (samples: readonly Sample[]) => samples.reduce((total, { value }) => total + value, 0);
  if (sum(failed) > FAILING_SHARE * sum(decisions)) {
    const reasons = several([...new Set(failed.map(({ labels }) => labels.reason ?? ""))]);
    const what = `${url} could not judge ${sum(failed)} of ${sum(decisions)} reviews: ${reasons}`;
    findings.push(problem("ReviewsFailing", "warning", what, `${logs(place)} | grep -E "${REVIEW_LINES}"`));
  }
  return findings;
}

const REVIEW_LINES = "Claim rejected|A review";

function ofAll(told: readonly Told[], place: Place): Finding[] {
  const findings: Finding[] = [];
  const leading = told.filter(({ named }) =>
    named("leadership_duration_seconds").some(({ value }) => value > 0),
  );
  if (leading.length > 1) {
    const what = `${leading.map(({ url }) => url).join(" and ")} each say that they lead`;
    findings.push(problem("SeveralLead", "error", what, leaseCommand(place)));
  }
  const byVersion = told.map(({ url, named }) => ({
    url,
    version: named("build_info")[0]?.labels.version ?? "",
  }));
  if (new Set(byVersion.map(({ version }) => version)).size > 1) {
    const what = byVersion.map(({ url, version }) => `${url} runs ${version}`).join(", ");
    const rollout = `kubectl rollout status deployment -n ${place.namespace} ${place.serviceName}`;
    findings.push(problem("VersionsDiffer", "warning", what, rollout));
  }
  return findings;
}
