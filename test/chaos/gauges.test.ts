import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { HOSTS, MACHINES, Stored } from "../simulation/stored.ts";
import { gaugeProblems, type Scrape, type Truth } from "./gauges.ts";
import { ReplayedShelf } from "./shelf.ts";

const POOL = 'namespace="pool",host_kind="PhysicalHost"';
const NOW_MS = Date.parse("2026-05-01T12:00:10Z");

/** One machine waits since ten seconds, beside a host that is free and one that enrols. */
function truth(): Truth {
  const shelf = new ReplayedShelf();
  const creationTimestamp = "2026-05-01T12:00:00Z";
  const machine = beskar7Machine({ namespace: "pool", name: "m", waiting: true, creationTimestamp });
  shelf.apply(MACHINES, "ADDED", machine);
  shelf.apply(HOSTS, "ADDED", physicalHost({ namespace: "pool", name: "free" }));
  shelf.apply(HOSTS, "ADDED", physicalHost({ namespace: "pool", name: "new", state: "Enrolling" }));
  return {
    pools: [{ namespace: "pool", stored: new Stored(shelf.within("pool")) }],
    waitingElsewhere: 0,
    holderIdentity: "pod-0_id",
    certificateExpirySeconds: 1_800_000_000,
  };
}

function scrape(changed: Record<string, string> = {}, more: Partial<Scrape> = {}): Scrape {
  const samples: Record<string, string> = {
    [`queue_depth{${POOL}}`]: "1",
    [`free_hosts{${POOL}}`]: "1",
    [`oldest_wait_seconds{${POOL}}`]: "10.2",
    'leadership_duration_seconds{namespace="system",identity="pod-0_id"}': "3.5",
    'leader_election_total{namespace="system",event_type="started_leading"}': "2",
    'registration_differences{kind="MutatingWebhookConfiguration"}': "0",
    'registration_differences{kind="ValidatingWebhookConfiguration"}': "0",
    certificate_expiry_timestamp_seconds: "1800000000",
    holder_unmatched: "0",
    ...changed,
  };
  const lines = Object.entries(samples).map(([name, value]) =>
    value === "" ? "" : `beskar7_claim_coordinator_${name} ${value}`,
  );
  return {
    pod: "pod-0",
    text: lines.join("\n"),
    askedMs: NOW_MS,
    answeredMs: NOW_MS + 500,
    elections: 2,
    ...more,
  };
}

describe("the gauges of a replica", () => {
  test("are as they must be when they say what is stored", () => {
    assert.deepEqual(gaugeProblems(scrape(), truth()), []);
  });

  for (const [name, value] of Object.entries({
    [`queue_depth{${POOL}}`]: "2",
    [`free_hosts{${POOL}}`]: "2",
    [`oldest_wait_seconds{${POOL}}`]: "9.9",
    'queue_depth{namespace="other",host_kind="PhysicalHost"}': "1",
    'free_hosts{namespace="other",host_kind="PhysicalHost"}': "1",
    'leadership_duration_seconds{namespace="system",identity="pod-0_id"}': "0",
    'leader_election_total{namespace="system",event_type="started_leading"}': "3",
    'registration_differences{kind="MutatingWebhookConfiguration"}': "1",
    'registration_differences{kind="ValidatingWebhookConfiguration"}': "",
    certificate_expiry_timestamp_seconds: "1800000001",
    holder_unmatched: "1",
  })) {
    test(`are told of with ${name} ${value === "" ? "absent" : value}`, () => {
      const problems = gaugeProblems(scrape({ [name]: value }), truth());
      assert.notDeepEqual(problems, []);
      for (const problem of problems) assert.ok(problem.includes(name.split(/[{_]/)[0]!), problem);
    });
  }

  test("are told of when another replica than the Lease's says that it leads", () => {
    const problems = gaugeProblems(scrape({}, { pod: "pod-1" }), truth());
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /pod-1 measures leadership_duration_seconds .* 3.5, and it is 0/);
  });
});
