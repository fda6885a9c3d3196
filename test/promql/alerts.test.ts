import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Registry } from "prom-client";
import { createMetrics, type GaugeSources, type Metrics } from "../../src/metrics.ts";
import { type AlertingRule, evaluate, type Firing, type Scrape, skipWithoutEvaluator } from "./evaluate.ts";
import { alertingRules } from "./expressions.ts";

const name = "alerts, evaluated by Prometheus's engine over what the service exposes";
const skip = await skipWithoutEvaluator(name);
const MINUTE_MS = 60_000;
const START_MS = 1_800_000_000_000;
const MINUTES = 130;
const DAY_SECONDS = 86_400;

/** What a replica exposes at a minute of the story; null: it does not answer. */
type Story = (minute: number, metrics: Metrics) => Partial<GaugeSources> | null;

/** One replica that is scraped every minute; what the story does not change is healthy. */
async function scraped(story: Story): Promise<Scrape[]> {
  const registry = new Registry();
  const metrics = createMetrics(registry, { version: "1.2.3", processMetrics: false });
  metrics.knowLeaseNamespace("beskar7-system");
  const scrapes: Scrape[] = [];
  for (let minute = 0; minute <= MINUTES; minute++) {
    const atMs = START_MS + minute * MINUTE_MS;
    const target = { job: "beskar7-claim-coordinator", pod: "coordinator-0", instance: "10.0.0.1:8080" };
    const changes = story(minute, metrics);
    metrics.gaugesFrom({ ...healthy(minute), ...changes });
    scrapes.push({ atMs, target, text: changes === null ? "" : await registry.metrics() });
  }
  return scrapes;
}

function healthy(minute: number): GaugeSources {
  return {
    queueDepth: () => [pool(1)],
    oldestWaitSeconds: () => [pool(30)],
    freeHosts: () => [pool(2)],
    orphanedHosts: () => [],
    hostNamespaces: () => ["metal"],
    watchStalenessSeconds: () => [{ resource: "physicalhosts", value: 20 }],
    certificateExpirySeconds: () => START_MS / 1000 + 60 * DAY_SECONDS,
    leadership: () => ({
      namespace: "beskar7-system",
      identity: "coordinator-0_1",
      seconds: 60 * (minute + 1),
    }),
    holderUnmatched: () => false,
    inflightReviews: () => 0,
    registrationDifferences: () => [{ kind: "MutatingWebhookConfiguration", count: 0 }],
  };
}

const pool = (value: number) => ({ namespace: "metal", hostKind: "PhysicalHost", value });

interface Case {
  readonly story: Story;
  /** Minutes of the story at which it fires first and last; without `last`, to the end. */
  readonly first: number;
  readonly last?: number;
  /** Its summary with everything filled in. */
  readonly summary: string;
}

const CASES: Readonly<Record<string, Case>> = {
  ClaimCoordinatorDown: {
    story: (minute) => (minute < 10 || minute > 30 ? {} : null),
    first: 15,
    last: 30,
    summary: "No replica of the claim coordinator is scraped",
  },
  ClaimCoordinatorNoLeader: {
    story: (minute) =>
      minute < 10 || minute > 20
        ? {}
        : { leadership: () => ({ namespace: "beskar7-system", identity: "coordinator-0_1", seconds: 0 }) },
    first: 12,
    last: 20,
    summary: "No replica leads",
  },
  ClaimCoordinatorLeaderFlapping: {
    story: (minute, metrics) => {
      if (minute >= 10 && minute < 20) metrics.leaderEvent("beskar7-system", "started_leading");
      return {};
    },
    first: 15,
    last: 43,
    summary: "The leader changed 6 times in half an hour",
  },
  ClaimCoordinatorHolderUnmatched: {
    story: (minute) => ({ holderUnmatched: () => minute >= 10 }),
    first: 11,
    summary: "The holder of the Lease was never recognised in a claim",
  },
  ClaimCoordinatorRegistrationEdited: {
    story: (minute) => ({
      registrationDifferences: () => [{ kind: "MutatingWebhookConfiguration", count: minute < 10 ? 0 : 2 }],
    }),
    first: 20,
    summary: "2 settings of the MutatingWebhookConfiguration are not as installed",
  },
  ClaimCoordinatorCertificateEnding: {
    story: () => ({ certificateExpirySeconds: () => START_MS / 1000 + 7 * DAY_SECONDS + 600 }),
    first: 71,
    summary: "The serving certificate of coordinator-0 ends in 6d 22h 59m 0s",
  },
  ClaimCoordinatorWatchStale: {
    story: (minute) => ({
      watchStalenessSeconds: () => [{ resource: "physicalhosts", value: minute < 10 ? 20 : 140 }],
    }),
    first: 11,
    summary: "coordinator-0 has not heard of physicalhosts for 2m 20s",
  },
  ClaimCoordinatorFailingInside: {
    story: (minute, metrics) => {
      if (minute >= 10 && minute < 25) metrics.decision("validate", "error", "NotReady", 0.1);
      return {};
    },
    first: 20,
    last: 32,
    summary: "Reviews are answered with NotReady",
  },
  ClaimCoordinatorClaimsWait: {
    story: (minute) => ({ oldestWaitSeconds: () => [pool(minute < 10 ? 30 : 1_000)] }),
    first: 15,
    summary: "A claim in metal has waited 16m 40s while hosts are free",
  },
  ClaimCoordinatorOrphanedHosts: {
    story: (minute) => ({ orphanedHosts: () => (minute < 10 ? [] : [pool(3)]) }),
    first: 20,
    summary: "3 hosts in metal name a consumer that does not exist",
  },
  ClaimCoordinatorMalformedAnnotations: {
    story: (minute, metrics) => {
      if (minute === 10) metrics.malformedAnnotations("metal", 1);
      return {};
    },
    first: 10,
    last: 69,
    summary: "Machines in metal carry annotations that can't be read",
  },
};

describe(name, { skip, timeout: 120_000 }, () => {
  const rules = alertingRules();
  const evaluated = async (story: Story, some: readonly AlertingRule[] = rules) => {
    const { firing } = await evaluate({ scrapes: await scraped(story), rules: some, everyMs: MINUTE_MS });
    return firing;
  };
  const minuteOf = ({ atMs }: Firing) => (atMs - START_MS) / MINUTE_MS;

  test("every alert has a story", () => {
    assert.deepEqual(Object.keys(CASES).sort(), rules.map(({ alert }) => alert).sort());
  });

  test("none fires while all is well", async () => {
    assert.deepEqual(await evaluated(() => ({})), []);
  });

  for (const [alert, { story, first, last = MINUTES, summary }] of Object.entries(CASES)) {
    test(`${alert} fires in minutes ${first} to ${last} of its story, and nothing else does`, async () => {
      const firing = await evaluated(story);
      assert.deepEqual([...new Set(firing.map((one) => one.alert))], [alert]);
      assert.deepEqual([minuteOf(firing[0]!), minuteOf(firing.at(-1)!)], [first, last]);
      assert.equal(firing[0]!.annotations.summary, summary);
    });
  }

  test("annotations that can't be read are told of a replica that found them when it began", async () => {
    const firing = await evaluated((minute, metrics) => {
      if (minute === 0) metrics.malformedAnnotations("metal", 1);
      return {};
    });
    assert.deepEqual(
      [...new Set(firing.map(({ alert }) => alert))],
      ["ClaimCoordinatorMalformedAnnotations"],
    );
  });

  test("claims that nothing fits are no alert while no host is free", async () => {
    const story = () => ({ oldestWaitSeconds: () => [pool(9_000)], freeHosts: () => [] });
    assert.deepEqual(await evaluated(story), []);
  });

  test("a rule says how grave it is, what is the matter and what to do", () => {
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity ?? "", /^(critical|warning|info)$/, alert);
      assert.ok(annotations.summary && annotations.description, alert);
    }
  });
});
