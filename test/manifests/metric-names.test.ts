import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { METRIC_PREFIX, METRICS, type MetricSpec } from "../../src/metrics/table.ts";
import { MANIFESTS } from "./kustomize.ts";

const known: Readonly<Record<string, MetricSpec>> = METRICS;
const FILES = ["prometheus-rule/prometheusrule.yaml", "grafana-dashboard/dashboard.json"];

/** Names with what a histogram adds, each with the labels that its braces name. */
function usesOf(text: string): { name: string; labels: string[] }[] {
  const uses = text.matchAll(new RegExp(`${METRIC_PREFIX}(\\w+)(?:\\{([^}]*)\\})?`, "g"));
  return [...uses].map(([, name, braces = ""]) => ({
    name: name!,
    labels: [...braces.matchAll(/(\w+)(?:=~|!=|=)/g)].map((match) => match[1]!),
  }));
}

for (const file of FILES) {
  test(`${file} asks for metrics and labels that exist`, () => {
    const uses = usesOf(readFileSync(join(MANIFESTS, "components", file), "utf8"));
    assert.ok(uses.length > 8);
    for (const { name, labels } of uses) {
      const spec = known[name] ?? known[name.replace(/_(bucket|sum|count)$/, "")];
      assert.ok(spec, `${METRIC_PREFIX}${name} exists`);
      assert.equal(spec.type === "histogram", known[name] === undefined, `${name} is a histogram or is not`);
      for (const label of labels) assert.ok(spec.labels.includes(label), `${name} has the label ${label}`);
    }
  });
}

test("the dashboard shows every metric of claims, queue and leadership", () => {
  const shown = readFileSync(join(MANIFESTS, "components/grafana-dashboard/dashboard.json"), "utf8");
  const left = Object.keys(known).filter((name) => !shown.includes(METRIC_PREFIX + name));
  // Told by alerts, or of use in a single look.
  assert.deepEqual(left, [
    "admission_inflight_reviews",
    "registration_differences",
    "malformed_annotations_total",
    "holder_unmatched",
  ]);
});
