import { isClaimable } from "../../src/coordinator/facts.ts";
import { METRIC_PREFIX } from "../../src/metrics/table.ts";
import { sumSamples } from "../controlplane/metrics.ts";
import type { Stored } from "../simulation/stored.ts";

/** What is true while nothing changes. */
export interface Truth {
  readonly pools: readonly { readonly namespace: string; readonly stored: Stored }[];
  /** Claims that wait in none of the pools. */
  readonly waitingElsewhere: number;
  /** Of the Lease; "": nobody holds it. */
  readonly holderIdentity: string;
  /** Of the stored serving certificate; null: there is none. */
  readonly certificateExpirySeconds: number | null;
}

/** What one replica answered when it was scraped. */
export interface Scrape {
  readonly pod: string;
  readonly text: string;
  /** Of the wall clock, before it was asked and after it had answered. */
  readonly askedMs: number;
  readonly answeredMs: number;
  /** How often it has said in its log that it leads. */
  readonly elections: number;
}

const HOST_KIND = "PhysicalHost";

/** Where what a replica measures is not what is stored, in sentences. */
export function gaugeProblems(scrape: Scrape, truth: Truth): string[] {
  const { pod, text, askedMs, answeredMs, elections } = scrape;
  const problems: string[] = [];
  const demand = (name: string, labels: Record<string, string>, least: number, most = least) => {
    const told = sumSamples(text, `${METRIC_PREFIX}${name}`, labels);
    if (told >= least && told <= most) return;
    const wanted = least === most ? least : `${least} to ${most}`;
    problems.push(`${pod} measures ${name} ${JSON.stringify(labels)} ${told}, and it is ${wanted}`);
  };
  const sums = { waiting: 0, free: 0 };
  for (const { namespace, stored } of truth.pools) {
    const labels = { namespace, host_kind: HOST_KIND };
    const waiting = stored.waiting();
    const named = stored.named();
    const free = stored.hosts().filter((host) => isClaimable(host) && !named.has(host.uid)).length;
    const oldestMs = Math.min(...waiting.map(({ createdAtMs }) => createdAtMs));
    const wait = (nowMs: number) => (waiting.length === 0 ? 0 : Math.max(0, nowMs - oldestMs) / 1_000);
    demand("queue_depth", labels, waiting.length);
    demand("free_hosts", labels, free);
    demand("oldest_wait_seconds", labels, wait(askedMs), wait(answeredMs));
    sums.waiting += waiting.length;
    sums.free += free;
  }
  // Of no other pool.
  demand("queue_depth", {}, sums.waiting + truth.waitingElsewhere);
  demand("free_hosts", {}, sums.free);
  demand("holder_unmatched", {}, 0);
  demand("leader_election_total", { event_type: "started_leading" }, elections);
  const leads = truth.holderIdentity.startsWith(`${pod}_`);
  if (leads) {
    demand("leadership_duration_seconds", { identity: truth.holderIdentity }, Number.MIN_VALUE, Infinity);
  } else demand("leadership_duration_seconds", {}, 0);
  for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
    // A registration that it does not see has no series, and would count as one without differences.
    if (text.includes(`${METRIC_PREFIX}registration_differences{kind="${kind}"}`))
      demand("registration_differences", { kind }, 0);
    else problems.push(`${pod} measures no registration_differences of the ${kind}`);
  }
  if (truth.certificateExpirySeconds === null) problems.push("no certificate is stored");
  else demand("certificate_expiry_timestamp_seconds", {}, truth.certificateExpirySeconds);
  return problems;
}
