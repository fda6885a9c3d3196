import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { VERSION } from "../../src/version.ts";
import { Link } from "../chaos/link.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { type ManagerReplica, startManagerReplica } from "../e2e/manager-replica.ts";
import { Objects } from "../e2e/objects.ts";
import { LEASE_NAMESPACE, Rig, until } from "../e2e/rig.ts";
import type { Bundle } from "../manifests/bundle.ts";
import { buildFormer, FORMER } from "../migration/former.ts";
import { type Pod, startPod } from "../migration/pod.ts";
import { LEASE } from "../migration/stage.ts";
import { type Diagnosis, diagnose } from "./cluster.ts";

const name = "doctor on replicas that are not as the others";
/** Anybody may read: a replica that is cut off can't ask who a token belongs to. */
const OPEN = "--metrics-secure=false";
const MIRRORS = [
  "baremetalhosts",
  "beskar7machines",
  "claimrequests",
  "leases",
  "metal3machines",
  "physicalhosts",
];

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let replica: ManagerReplica;
  before(async () => {
    rig = await Rig.start();
    replica = await startManagerReplica(rig, "coordinator-0", [
      "--enable-claim-coordinator-leader-election",
      OPEN,
    ]);
    rig.balancer.setTargets([replica.manager.addresses.webhook.port]);
    await until(() => replica.manager.replica.isLeading());
  });
  after(async () => {
    await replica?.stop();
    await rig?.stop();
  });

  const webhookUrl = () => `--webhook-url=https://127.0.0.1:${rig.balancer.port}`;
  const ask = (...others: { readonly peopleUrl: string }[]): Promise<Diagnosis> => {
    const urls = [replica, ...others].map(({ peopleUrl }) => peopleUrl);
    return diagnose(rig.admin, { flags: [webhookUrl(), `--metrics-url=${urls.join()}`] });
  };

  describe("of two versions", () => {
    let bundle: Bundle;
    let former: Pod;
    before(async () => {
      bundle = await buildFormer();
      former = await startPod(rig.plane, {
        name: "former-0",
        serviceAccount: "beskar7-claim-coordinator",
        program: bundle.file,
        args: [
          ...["manager", ...LEASE, `--lease-namespace=${LEASE_NAMESPACE}`, webhookUrl()],
          `--webhook-cert-dir=${join(rig.plane.folder, "certificates-of-coordinator-0")}`,
        ],
      });
    });
    after(async () => {
      await former?.stop();
      bundle?.remove();
    });

    test("each is told with its version, and how far the rollout is", async () => {
      const { of, findings } = await ask(former);
      assert.deepEqual(of("VersionsDiffer"), [
        `warning ${replica.peopleUrl} runs ${VERSION}, ${former.peopleUrl} runs ${FORMER}`,
      ]);
      assert.match(
        findings.find(({ id }) => id === "VersionsDiffer")?.mend ?? "",
        /^kubectl rollout status /,
      );
    });

    test("and not once the former one is gone", async () => {
      assert.deepEqual((await ask()).of("VersionsDiffer"), []);
    });
  });

  describe("cut off from the API server", () => {
    let link: Link;
    let cut: ManagerReplica;
    let aheadMs = 0;
    /** This machine's, but for the time that a test does not wait for. */
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    before(async () => {
      link = await Link.to(Number(new URL(rig.plane.url).port));
      cut = await startManagerReplica(rig, "coordinator-1", [OPEN], {
        apiUrl: `https://127.0.0.1:${link.port}`,
        clock,
      });
    });
    after(async () => {
      link?.set("open");
      await cut?.stop();
      await link?.close();
    });

    const stale = async () => (await ask(cut)).of("MirrorStale").sort();

    test("two minutes without a word are told of each of its mirrors, and of no other replica's", async () => {
      assert.deepEqual(await stale(), []);
      link.set("silent");
      aheadMs = 121_000;
      await (await Objects.in(rig.admin, "pool")).host("news");
      const told = await stale();
      assert.deepEqual(
        told.map((line) => line.replace(/ \S+ s ago$/, "")),
        MIRRORS.map((resource) => `warning ${cut.peopleUrl} last heard of ${resource}`),
      );
    });

    test("a mirror that hears again is told of no more", async () => {
      link.set("open");
      await until(async () => !(await stale()).some((line) => line.includes("physicalhosts")));
    });
  });
});
