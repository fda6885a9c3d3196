import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { type Audited, AuditLog } from "../e2e/audit-log.ts";
import { holdLease } from "../e2e/held-lease.ts";
import { type ManagerReplica, startManagerReplica } from "../e2e/manager-replica.ts";
import { consumerOf, Objects, phaseOf } from "../e2e/objects.ts";
import { refusalOf } from "../e2e/refusal.ts";
import { type PodClient, Rig, until } from "../e2e/rig.ts";

const ROLES = join(import.meta.dirname, "../../manifests/components/stateless/roles.gen.yaml");
const name = "a stateless replica as its command starts it";
const SERVICE = "system:serviceaccount:beskar7-system:beskar7-claim-coordinator";
const POD = "authentication.kubernetes.io/pod-name";
/** What a review reads: the Lease, two kinds of hosts, two of machines, and requests. */
const READS = [
  "baremetalhosts",
  "beskar7machines",
  "claimrequests",
  "leases",
  "metal3machines",
  "physicalhosts",
];

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  const audit = new AuditLog({ level: "Metadata", users: [SERVICE] });
  let rig: Rig;
  let replica: ManagerReplica;
  let client: PodClient;
  let objects: Objects;

  before(async () => {
    rig = await Rig.start({ apiServerArgs: audit.apiServerArgs });
    // In the place of what the base grants: the service does with less.
    const granted = await rig.plane.kubectl(["apply", "--server-side", "--force-conflicts", "-f", ROLES]);
    assert.equal(granted.code, 0, granted.stderr);
    objects = await Objects.in(rig.admin, "stateless");
    client = await rig.podClient("controller-0");
    replica = await startManagerReplica(rig, "coordinator-0", ["--stateless", "--metrics-secure=false"]);
    rig.balancer.setTargets([replica.manager.addresses.webhook.port]);
  });
  after(async () => {
    client?.api.close();
    await replica?.stop();
    await rig?.stop();
    audit.remove();
  });

  const requestsOf = (pod: string): Audited[] =>
    audit.requests().filter(({ user }) => user.extra?.[POD]?.includes(pod));
  const readsOf = (requests: readonly Audited[]) =>
    requests
      .filter(({ verb }) => verb === "get" || verb === "list")
      .map(({ objectRef }) => objectRef?.resource);

  test("is ready before it has asked for a single host", () => {
    const asked = requestsOf("coordinator-0").map(({ objectRef }) => objectRef?.resource);
    for (const resource of READS) assert.ok(!asked.includes(resource), resource);
  });

  test("reads what a review needs when it comes, once for each of the two reviews of a claim", async () => {
    await objects.host("first");
    await objects.machine("one");
    const before = requestsOf("coordinator-0").length;
    await objects.claim(client.api, await objects.getHost("first"), "one");
    const reads = readsOf(requestsOf("coordinator-0").slice(before)).filter((resource) =>
      READS.includes(resource ?? ""),
    );
    assert.deepEqual(reads.toSorted(), [...READS, ...READS].sort());
    assert.equal(consumerOf(await objects.getHost("first")), "one");
  });

  test("settles what it let through by itself, where nobody leads", async () => {
    await until(async () => (await objects.phaseOf("one")) === "Bound");
  });

  test("puts a claim into the queue of whoever leads", async () => {
    await holdLease(rig, "controller-1");
    await objects.machine("two");
    await objects.host("second");
    const refusal = await refusalOf(objects.claim(client.api, await objects.getHost("second"), "two"));
    assert.equal(refusal.verdict, "Delegated");
    assert.equal(phaseOf(await objects.getRequest("beskar7machine-two")), "Pending");
  });

  test("has watched nothing and never wrote the Lease, while another kind of replica does watch", async () => {
    const requests = requestsOf("coordinator-0");
    assert.deepEqual([...new Set(requests.map(({ verb }) => verb))].sort(), [
      "create",
      "get",
      "list",
      "patch",
    ]);
    const leases = requests.filter(({ objectRef }) => objectRef?.resource === "leases");
    assert.deepEqual([...new Set(leases.map(({ verb }) => verb))], ["get"]);
    const watching = await startManagerReplica(rig, "coordinator-1");
    await watching.stop();
    assert.ok(requestsOf("coordinator-1").some(({ verb }) => verb === "watch"));
  });

  test("tells its reviews by metrics, and nothing of queues and hosts, of which it knows only the last look", async () => {
    const text = await (await fetch(`${replica.peopleUrl}/metrics`)).text();
    assert.match(
      text,
      /admission_decisions_total\{webhook="validate",verdict="allow",reason="optimistic"\} 1$/m,
    );
    for (const gauge of ["queue_depth{", "free_hosts{", "leadership_duration_seconds{"]) {
      assert.ok(!text.includes(`beskar7_claim_coordinator_${gauge}`), gauge);
    }
    for (const path of ["/", "/api/v1/queue"]) {
      assert.equal((await fetch(replica.peopleUrl + path)).status, 404, path);
    }
  });
});
