import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "../e2e/objects.ts";
import { refusalOf } from "../e2e/refusal.ts";
import { LEASE_NAME, LEASE_NAMESPACE, until } from "../e2e/rig.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";
import type { Pod } from "./pod.ts";
import { Stage } from "./stage.ts";
import { Traffic } from "./traffic.ts";

const name = "from the standard coordinator to leader election and back, under contending claims";
const MODE = "claims.beskar7.io/mode";
/** Enough that each step sees every machine wait, win and go. */
const CLAIMS = 12;

/** The steps build on one another, as in a real migration. */
describe(name, { skip: await skipWithoutControlPlane(name), timeout: 280_000 }, () => {
  let stage: Stage;
  let bundle: Bundle;
  let traffic: Traffic;
  let settled: Objects;
  let settledHolders: unknown;

  before(async () => {
    [stage, bundle] = await Promise.all([Stage.start(), buildBundle()]);
    traffic = await Traffic.start(stage, "contended");
    settled = await Objects.in(stage.admin, "settled");
  });
  afterEach(async () => {
    await traffic.claims(CLAIMS);
    await traffic.check();
    assert.deepEqual(await settled.holdings(), settledHolders, "who had a host before has it still");
  });
  after(async () => {
    await traffic?.stop();
    await stage?.stop();
    bundle?.remove();
  });

  /** What a controller's claim meets now: the mode in which it passes, or why it does not. */
  async function verdict(): Promise<string> {
    for (;;) {
      const claim = settled.claim(traffic.client.api, await settled.getHost("spare"), "newcomer", {
        dryRun: true,
      });
      try {
        const mode = (await claim).metadata.annotations?.[MODE];
        if (mode !== undefined) return mode;
      } catch {
        const { code, verdict } = await refusalOf(claim);
        if (code !== 500) return verdict;
      }
      // The API server wrote to a connection that was cut: an error, or under Ignore a claim that nobody looked at.
    }
  }

  /** What a claim meets at this replica. */
  const verdictAt = (pod: Pod) =>
    traffic.quiet(async () => {
      stage.routeOnlyTo(pod);
      const given = await verdict();
      stage.routeToAll();
      await verdict();
      return given;
    });

  const verdicts = async () => {
    const all = [];
    for (const pod of stage.pods) all.push(await verdictAt(pod));
    return all;
  };

  const modeOfNextClaim = async () => (await traffic.nextClaimed()).metadata.annotations?.[MODE];

  /** The registration of an overlay, by URL: a Service has no address here. */
  const register = (failurePolicy: string) =>
    stage.command(
      bundle.file,
      "install",
      `--webhook-url=${stage.webhookUrl}`,
      `--failure-policy=${failurePolicy}`,
    );

  /** A rolling update to this overlay: one new pod at a time, and old ones go only when it is ready. */
  async function rollTo(overlay: string, generation: string, only = stage.pods.length): Promise<void> {
    const old = stage.pods.slice(0, only);
    for (const [index, pod] of old.entries()) {
      await stage.addPod(`${generation}-${index}`, bundle.file, overlay);
      await stage.removePod(pod);
    }
  }

  test("standard: a controller claims for itself", async () => {
    await traffic.addController();
    for (const host of ["host-0", "host-1"]) {
      await settled.machine(`machine-of-${host}`);
      await settled.claim(traffic.client.api, await settled.host(host), `machine-of-${host}`);
    }
    await settled.host("spare");
    await settled.machine("newcomer");
    settledHolders = await settled.holdings();
  });

  test("installed with failurePolicy Ignore no claim waits for the first replica", async () => {
    await register("Ignore");
    await traffic.claims(CLAIMS);
    for (let i = 0; i < 3; i++) await stage.addPod(`off-${i}`, bundle.file, "overlays/optimistic");
    await until(async () => (await modeOfNextClaim()) === "optimistic");
    for (let i = 0; i < 2; i++) await traffic.addController();
  });

  test("flag off: claims go the optimistic way, nobody stands, and there is no Lease", async () => {
    assert.equal(await modeOfNextClaim(), "optimistic");
    assert.deepEqual(await verdicts(), ["optimistic", "optimistic", "optimistic"]);
    assert.equal(await stage.holder(), null);
  });

  test("one replica enabled: it leads, and the others enforce that as it does", async () => {
    await register("Fail");
    await rollTo("base", "canary", 1);
    await until(async () => (await stage.holder())?.startsWith("canary-0_") === true);
    await until(async () => (await modeOfNextClaim()) === "leader");
    await until(async () => (await verdicts()).every((verdict) => verdict === "Delegated"));
    assert.equal(stage.pods.length, 3);
  });

  test("all enabled: the Lease passes on while they are replaced", async () => {
    await rollTo("base", "on");
    await until(async () => (await stage.holder())?.startsWith("on-") === true);
    assert.deepEqual(await verdicts(), ["Delegated", "Delegated", "Delegated"]);
    assert.equal(await modeOfNextClaim(), "leader");
  });

  test("disabled again: the last holder releases the Lease, and claims go the optimistic way", async () => {
    await register("Ignore");
    await rollTo("overlays/optimistic", "back");
    assert.equal(await stage.holder(), "");
    await until(async () => (await modeOfNextClaim()) === "optimistic");
    assert.deepEqual(await verdicts(), ["optimistic", "optimistic", "optimistic"]);
  });

  test("a holder that dies without a word blocks claims no longer than its Lease", async () => {
    const last = await stage.addPod("lonely", bundle.file, "base");
    await until(async () => (await stage.holder())?.startsWith("lonely_") === true);
    await traffic.quiet(() => stage.killPod(last));
    assert.match((await stage.holder()) ?? "", /^lonely_/);
    await until(async () => (await modeOfNextClaim()) === "optimistic");
  });

  test("the Lease is cleaned up, and nobody makes another", async () => {
    await stage.kubectl("delete", "lease", "-n", LEASE_NAMESPACE, LEASE_NAME);
    assert.equal(await modeOfNextClaim(), "optimistic");
    assert.equal(await stage.holder(), null);
  });

  test("uninstalled under the replicas' feet: everything goes, hosts stay with their machines", async () => {
    while (traffic.controllers > 1) await traffic.removeController();
    const requests = await stage.kubectl("get", "claimreq", "-A", "-o", "name");
    assert.notEqual(requests, "");
    const printed = await stage.command(bundle.file, "uninstall");
    const at = (words: RegExp) => printed.findIndex((line) => words.test(line));
    assert.equal(at(/WebhookConfiguration/), 0);
    assert.ok(at(/ClaimRequests removed/) < at(/CustomResourceDefinition/));
    assert.equal(at(/CustomResourceDefinition/), printed.length - 1);
    for (const pod of [...stage.pods]) await stage.removePod(pod);
    const left = await stage.kubectl("get", "crd,clusterrole,secret,lease,flowschema", "-A", "-o", "name");
    assert.doesNotMatch(left, /claimrequest|beskar7-claim|beskar7-leader/);
  });
});
