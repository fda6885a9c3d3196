import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Registry, register } from "prom-client";
import { INTERNAL_REASONS } from "../../src/claims/reasons.ts";
import { METRIC_PREFIX, METRICS } from "../../src/metrics/table.ts";
import { createMetrics, type Metrics, renderMetricsMarkdown } from "../../src/metrics.ts";

function setUp(): { metrics: Metrics; read(name: string): Promise<string[]> } {
  const registry = new Registry();
  const metrics = createMetrics(registry, { version: "1.2.3", processMetrics: false });
  /** The series of one metric, as they stand on /metrics. */
  const read = async (name: string) =>
    (await registry.metrics())
      .split("\n")
      .filter((line) => line.startsWith(METRIC_PREFIX + name) && line !== "");
  return { metrics, read };
}

const line = (name: string, labels: string, value: number) => `${METRIC_PREFIX}${name}{${labels}} ${value}`;

describe("the seed's metrics", () => {
  it("carry exactly its names and labels", async () => {
    const { metrics, read } = setUp();
    metrics.leaderEvent("beskar7-system", "started_leading");
    metrics.result("default", "success", 0.2);
    metrics.gaugesFrom({
      leadership: () => ({ namespace: "beskar7-system", identity: "controller-1", seconds: 42 }),
    });
    const has = async (name: string, labels: string, value: number) =>
      assert((await read(name)).includes(line(name, labels, value)), `${name}{${labels}} ${value}`);
    await has("leader_election_total", 'namespace="beskar7-system",event_type="started_leading"', 1);
    await has("results_total", 'namespace="default",result_type="success"', 1);
    await has("processing_duration_seconds_count", 'namespace="default",result_type="success"', 1);
    await has("leadership_duration_seconds", 'namespace="beskar7-system",identity="controller-1"', 42);
  });

  it("are at zero for every result of a namespace from the moment it is known", async () => {
    const { metrics, read } = setUp();
    metrics.knowNamespace("metal");
    metrics.knowLeaseNamespace("beskar7-system");
    assert.equal((await read("results_total")).length, 5);
    assert.equal((await read("processing_duration_seconds_count")).length, 5);
    assert.equal((await read("leader_election_total")).length, 3);
    for (const series of await read("results_total")) assert.match(series, / 0$/);
  });

  it("are at zero for a namespace with hosts at the first scrape, and for every fault of our own", async () => {
    const { metrics, read } = setUp();
    metrics.gaugesFrom({ hostNamespaces: () => ["metal"] });
    assert.equal((await read('results_total{namespace="metal"')).length, 5);
    assert.equal((await read('processing_duration_seconds_count{namespace="metal"')).length, 5);
    const faults = (await read("admission_decisions_total")).filter((series) =>
      /verdict="error"/.test(series),
    );
    assert.equal(faults.length, 2 * INTERNAL_REASONS.length);
    for (const series of faults) assert.match(series, / 0$/);
  });

  it("keep what they counted when a namespace is made known again", async () => {
    const { metrics, read } = setUp();
    metrics.result("metal", "retry", 1);
    metrics.knowNamespace("metal");
    const labels = 'namespace="metal",result_type="retry"';
    assert(
      (await read("processing_duration_seconds_count")).some((series) => series.endsWith(`{${labels}} 1`)),
    );
    assert((await read("results_total")).includes(line("results_total", labels, 1)));
  });

  it("forget a namespace that is gone", async () => {
    const { metrics, read } = setUp();
    metrics.result("metal", "success", 1);
    metrics.forgetNamespace("metal");
    assert.deepEqual(await read("results_total"), []);
    assert.deepEqual(await read("processing_duration_seconds_count"), []);
  });
});

describe("gauges", () => {
  it("are computed on each scrape, and what is gone is no longer shown", async () => {
    const { metrics, read } = setUp();
    let pools = [{ namespace: "a", hostKind: "PhysicalHost", value: 2 }];
    metrics.gaugesFrom({ queueDepth: () => pools });
    assert.deepEqual(await read("queue_depth"), [
      line("queue_depth", 'namespace="a",host_kind="PhysicalHost"', 2),
    ]);
    pools = [{ namespace: "b", hostKind: "BareMetalHost", value: 1 }];
    assert.deepEqual(await read("queue_depth"), [
      line("queue_depth", 'namespace="b",host_kind="BareMetalHost"', 1),
    ]);
  });

  it("show no certificate expiry before there is a certificate", async () => {
    const { metrics, read } = setUp();
    let expiry: number | undefined;
    metrics.gaugesFrom({ certificateExpirySeconds: () => expiry });
    assert.deepEqual(await read("certificate_expiry"), []);
    expiry = 1_900_000_000;
    assert.deepEqual(await read("certificate_expiry"), [
      `${METRIC_PREFIX}certificate_expiry_timestamp_seconds 1900000000`,
    ]);
  });

  it("show edits of the registrations by kind, and nothing of one that does not exist", async () => {
    const { metrics, read } = setUp();
    assert.deepEqual(await read("registration_differences"), []);
    metrics.gaugesFrom({
      registrationDifferences: () => [{ kind: "MutatingWebhookConfiguration", count: 2 }],
    });
    assert.deepEqual(await read("registration_differences"), [
      line("registration_differences", 'kind="MutatingWebhookConfiguration"', 2),
    ]);
  });

  it("say what runs", async () => {
    const { read } = setUp();
    assert.match((await read("build_info"))[0]!, /version="1\.2\.3",node_version="\d+\.\d+\.\d+"} 1$/);
  });
});

describe("admission", () => {
  it("decisions are counted by webhook, verdict and reason, and timed down to a tenth of a millisecond", async () => {
    const { metrics, read } = setUp();
    metrics.decision("validate", "reject", "Delegated", 0.00009);
    const labels = 'webhook="validate",verdict="reject",reason="Delegated"';
    assert((await read("admission_decisions_total")).includes(line("admission_decisions_total", labels, 1)));
    const buckets = await read("admission_duration_seconds_bucket");
    assert(
      buckets.some(
        (bucket) => bucket.includes('le="0.0001"') && bucket.includes("validate") && / 1$/.test(bucket),
      ),
    );
  });
});

describe("the registry", () => {
  it("is the one handed in, never prom-client's own", () => {
    setUp();
    assert.deepEqual(register.getMetricsAsArray(), []);
  });

  it("refuses to hold the metrics twice", () => {
    const registry = new Registry();
    createMetrics(registry, { version: "1" });
    assert.throws(() => createMetrics(registry, { version: "1" }), /already been registered/);
  });

  it("holds every metric of the table, and beside it only those of the process", () => {
    const registry = new Registry();
    createMetrics(registry, { version: "1" });
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    const own = names.filter((name) => name.startsWith(METRIC_PREFIX)).sort();
    assert.deepEqual(
      own,
      Object.keys(METRICS)
        .map((name) => METRIC_PREFIX + name)
        .sort(),
    );
    for (const name of names) assert.match(name, /^(beskar7_claim_coordinator|process|nodejs)_/);
  });
});

it("docs/metrics.md is what the table says; UPDATE_DOCS=1 rewrites it", () => {
  const file = new URL("../../docs/metrics.md", import.meta.url);
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, renderMetricsMarkdown());
  assert.equal(readFileSync(file, "utf8"), renderMetricsMarkdown());
});
