import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { encodeIntent } from "../../src/coordinator/intent.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { AuditLog } from "./audit-log.ts";
import { dropLease, holdLease } from "./held-lease.ts";
import { HoldingWebhook } from "./holding-webhook.ts";
import { consumerOf, Objects } from "./objects.ts";
import { refusalOf } from "./refusal.ts";
import { apiFor, LEASE_NAMESPACE, type PodClient, Rig, until } from "./rig.ts";

const name = "who holds the Lease, and who asks";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let objects: Objects;
  let first: PodClient;
  let second: PodClient;

  const audit = new AuditLog();

  before(async () => {
    const groups = ["system:masters"];
    const users = [
      { name: "developer", groups },
      { name: "rescuer", groups: [...groups, "rescue"] },
    ];
    rig = await Rig.start({ users, apiServerArgs: audit.apiServerArgs });
    [first, second] = [await rig.podClient("controller-0"), await rig.podClient("controller-1")];
    objects = await Objects.in(rig.admin, "holders");
  });
  afterEach(async () => {
    for (const replica of rig.replicas) await replica.stop();
    await dropLease(rig);
  });
  after(async () => {
    first?.api.close();
    second?.api.close();
    await rig?.stop();
    audit.remove();
  });

  const addReplica: Rig["addReplica"] = (pod, changes) => rig.addReplica(pod, { stands: false, ...changes });

  test("a claim that was judged under one holder and comes to storage under the next is refused", async () => {
    await addReplica("coordinator-0");
    await holdLease(rig, first.pod);
    const pool = await Objects.in(rig.admin, "mid-flight");
    const { namespace } = pool;
    const hosts = [await pool.host("taken-over"), await pool.host("another-term")] as const;
    const hold = await HoldingWebhook.start(rig, { kind: "mutating", namespace });
    const takenOver = refusalOf(pool.claim(first.api, hosts[0], "machine-0"));
    await until(() => hold.held === 1);
    const { term } = await holdLease(rig, second.pod);
    hold.release();
    assert.equal((await takenOver).verdict, "Delegated");

    hold.holdAgain();
    const body = {
      metadata: { annotations: encodeIntent({ term, hosts: "", requests: "", machines: "", nonce: "1" }) },
      spec: { consumerRef: { kind: "Beskar7Machine", name: "machine-1", namespace } },
    };
    const key = { namespace, name: "another-term" };
    const anotherTerm = refusalOf(second.api.patch(PHYSICAL_HOSTS, key, { type: "merge", body }));
    await until(() => hold.held === 2);
    await holdLease(rig, second.pod);
    hold.release();
    assert.equal((await anotherTerm).verdict, "FencedOut");
    await hold.stop();
    assert.deepEqual(audit.annotationsOf("taken-over", "physicalhosts.claims.beskar7.io"), [
      {
        verdict: "reject",
        reason: "Delegated",
        term,
        consumer: `Beskar7Machine/${namespace}/machine-0`,
      },
    ]);
    assert.equal(consumerOf(await pool.claim(second.api, hosts[0], "machine-0")), "machine-0");
    const [, stored] = audit.annotationsOf("taken-over", "physicalhosts.claims.beskar7.io");
    assert.deepEqual([stored?.verdict, stored?.mode], ["allow", "leader"]);
    assert.deepEqual(await pool.hostsOf("machine-1"), []);
  });

  test("a service account is recognised by its pod alone, other users by their name", async () => {
    await addReplica("coordinator-0");
    const host = await objects.host("identity");
    const claim = (api: PodClient["api"]) => objects.claim(api, host, "machine", { dryRun: true });
    const path = `/api/v1/namespaces/${LEASE_NAMESPACE}/serviceaccounts/beskar7/token`;
    const spec = { audiences: [], expirationSeconds: 3600 };
    const answer = await rig.plane.call("POST", path, {
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
    });
    const unbound = apiFor(rig.plane.kubeconfig({ token: answer.json().status.token }));
    const elsewhere = await rig.podClient(first.pod, "elsewhere");
    const developer = apiFor(rig.plane.kubeconfig({ user: "developer" }));

    await holdLease(rig, first.pod);
    for (const api of [unbound, elsewhere.api, second.api, developer]) {
      assert.equal((await refusalOf(claim(api))).verdict, "Delegated");
    }
    await claim(first.api);
    await holdLease(rig, "developer");
    await claim(developer);
    // Its pod's name is not its own: a service account never matches by a user's name.
    await holdLease(rig, "system:serviceaccount:beskar7-system:beskar7");
    assert.equal((await refusalOf(claim(first.api))).verdict, "Delegated");
    for (const api of [unbound, elsewhere.api, developer]) api.close();
  });

  test("further service accounts can be listed", async () => {
    await addReplica("coordinator-0", { holderServiceAccounts: ["elsewhere:beskar7"] });
    await holdLease(rig, first.pod);
    const elsewhere = await rig.podClient(first.pod, "elsewhere");
    await objects.claim(elsewhere.api, await objects.host("listed"), "listed", { dryRun: true });
    elsewhere.api.close();
  });

  test("a break-glass group passes every rule, and is told so", async () => {
    const replica = await addReplica("coordinator-0", { breakGlassGroups: ["rescue"] });
    await holdLease(rig, first.pod);
    const consumerRef = { kind: "Beskar7Machine", name: "owner", namespace: objects.namespace };
    await objects.host("rescued", { consumerRef, state: "Error" });
    const patch = JSON.stringify({ spec: { consumerRef: { ...consumerRef, name: "rescued" } } });
    const args = ["patch", "physicalhosts", "rescued", "-n", objects.namespace, "--type=merge", "-p", patch];
    const { code, stderr } = await rig.plane.kubectl(args, { user: "rescuer" });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Warning: allowed because you belong to a break-glass group of the coordinator$/m);
    assert.equal(consumerOf(await objects.getHost("rescued")), "rescued");
    assert.deepEqual(
      replica.decisions.map(({ webhook, mode }) => `${webhook} ${mode}`),
      ["mutate break-glass", "validate break-glass"],
    );
    const refused = await rig.plane.kubectl(args.with(-1, patch.replace('"rescued"', '"other"')), {
      user: "developer",
    });
    assert.match(refused.stderr, /is held by/);
  });

  test("with --rejection-code=403 what asks for another try is Forbidden, what is about the host stays a Conflict", async () => {
    await addReplica("coordinator-0", { rejectionCode: 403 });
    await holdLease(rig, first.pod);
    const free = await objects.host("free");
    const busy = await objects.host("busy", { state: "Inspecting" });
    const delegated = await refusalOf(objects.claim(second.api, free, "machine", { dryRun: true }));
    assert.deepEqual([delegated.verdict, delegated.code, delegated.reason], ["Delegated", 403, "Forbidden"]);
    const unavailable = await refusalOf(objects.claim(first.api, busy, "machine"));
    assert.deepEqual([unavailable.verdict, unavailable.code], ["HostUnavailable", 409]);
  });

  test("under a foreign holder a claim is ahead only while that holder has lately tried it", async () => {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    await addReplica("coordinator-0", { clock, foreignAttemptWindowMs: 60_000 });
    await holdLease(rig, first.pod, { foreign: true });
    const pool = await Objects.in(rig.admin, "foreign-window");
    const host = await pool.host("only");
    const consumerRef = { kind: "Beskar7Machine", name: "somebody", namespace: pool.namespace };
    const held = await pool.host("held", { consumerRef });
    await pool.machine("older", { waiting: true, annotations: { "claims.beskar7.io/priority": "10" } });
    await pool.machine("younger", { waiting: true });
    const claim = (machine: string) => pool.claim(first.api, host, machine, { dryRun: true });
    await until(() =>
      rig.replicas.every(({ replica }) => replica.world.consumer(keyOf("older"))?.machine?.waits),
    );
    await claim("younger");
    assert.equal((await refusalOf(pool.claim(first.api, held, "older"))).verdict, "HostHeld");
    assert.equal((await refusalOf(claim("younger"))).verdict, "OutOfOrder");
    aheadMs = 61_000;
    await until(async () => (await claim("younger").catch(() => null)) !== null);

    function keyOf(machine: string): string {
      return `Beskar7Machine/${pool.namespace}/${machine}`;
    }
  });
});
