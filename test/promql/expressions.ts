import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { AlertingRule } from "./evaluate.ts";

const ROOT = join(import.meta.dirname, "../..");

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** The queries of the document that announced the service, as they stand there. */
export const ANNOUNCED = {
  elections: "rate(beskar7_claim_coordinator_leader_election_total[5m])",
  success: `rate(beskar7_claim_coordinator_results_total{result_type="success"}[5m]) / 
rate(beskar7_claim_coordinator_results_total[5m])`,
  processing: `rate(beskar7_claim_coordinator_processing_duration_seconds_sum[5m]) / 
rate(beskar7_claim_coordinator_processing_duration_seconds_count[5m])`,
} as const;

/** Its selectors; the identity is an example. */
export const announcedSelectors = (identity: string) => [
  'beskar7_claim_coordinator_leader_election_total{namespace="beskar7-system",event_type="started_leading"}',
  'beskar7_claim_coordinator_results_total{namespace="default",result_type="success"}',
  'beskar7_claim_coordinator_processing_duration_seconds_sum{namespace="default",result_type="success"}',
  `beskar7_claim_coordinator_leadership_duration_seconds{namespace="beskar7-system",identity="${identity}"}`,
];

/** Every query in a ```promql block of README.md and docs/. A query goes on after an operator at a line's end. */
export function documentedQueries(): string[] {
  const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
  const blocks = pages.flatMap((page) =>
    [...read(page).matchAll(/```promql\n(.*?)```/gs)].map((match) => match[1]!),
  );
  return blocks.flatMap((block) => {
    const lines = block.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
    const queries: string[] = [];
    for (const line of lines) {
      const last = queries.at(-1);
      if (last !== undefined && /[-+*/><=(,]\s*$|\b(and|or|unless)\s*$/.test(last)) {
        queries[queries.length - 1] = `${last}\n${line}`;
      } else queries.push(line);
    }
    return queries;
  });
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Every expression of the dashboard, with what Grafana puts in for "All" and a scrape interval of a minute. */
export function dashboardQueries(): { title: string; expr: string }[] {
  const { panels } = JSON.parse(read("manifests/components/grafana-dashboard/dashboard.json")) as {
    panels: readonly Panel[];
  };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll("$namespace", ".*").replaceAll("$__rate_interval", "4m"),
    })),
  );
}

export function alertingRules(): AlertingRule[] {
  const { spec } = parse(read("manifests/components/prometheus-rule/prometheusrule.yaml")) as {
    spec: { groups: readonly { rules: readonly AlertingRule[] }[] };
  };
  return spec.groups.flatMap(({ rules }) => rules);
}
