import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Orphans } from "../../src/coordinator/orphans.ts";
import { World } from "../../src/coordinator/world.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import {
  LEASES,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  SECRETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "../e2e/objects.ts";
import { apiFor } from "../e2e/rig.ts";
import { until } from "../e2e/until.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Bundle, buildBundle } from "./bundle.ts";
import { Deeds } from "./deeds.ts";
import { GrantedCluster, NAMESPACE, SERVICE } from "./granted-cluster.ts";
import { type GrantedService, startGrantedService } from "./granted-service.ts";
import { nameOf, type Right, rightsOf } from "./rights.ts";

const name = "the rights of manifests/base on a real API server";

/** In the role for leases because the announcement has them; client-go's elector has no use for them either. */
const GRANTED_UNUSED = ["patch leases", "delete leases"];

/** Rights whose want only shows when something is done; every other one shows when a replica starts. */
const NEEDED_BY: Readonly<Record<string, keyof Deeds>> = {
  "get physicalhosts": "openBinding",
  "get baremetalhosts": "openMetal3Binding",
  "get beskar7machines": "machineGone",
  "get metal3machines": "metal3MachineGone",
  "get hostclaims": "hostClaim",
  "delete claimrequests": "machineGone",
  "get claimrequests": "request",
  "patch claimrequests": "request",
  "create events": "delegatedClaim",
  "create tokenreviews": "scrape",
  "create subjectaccessreviews": "scrape",
};

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 280_000 }, () => {
  let cluster: GrantedCluster;
  let bundle: Bundle;
  let controller: KubeClient;
  before(async () => {
    [cluster, bundle] = await Promise.all([GrantedCluster.start(), buildBundle()]);
    controller = apiFor(cluster.plane.kubeconfig());
  });
  after(async () => {
    controller?.close();
    await cluster?.stop();
    bundle?.remove();
  });
  const start = (pod: string) => startGrantedService(cluster, bundle.file, pod);

  describe("a replica that has them", () => {
    let service: GrantedService;
    let deeds: Deeds;
    before(async () => {
      await cluster.forgetState();
      service = await start("granted");
      await service.said(/Became leader for claim coordination/);
      deeds = new Deeds(cluster, controller, service);
    });
    after(() => service?.stop());

    test("keeps Lease, certificates and caBundle", async () => {
      const { admin } = cluster;
      const lease = await admin.get(LEASES, { namespace: NAMESPACE, name: `${SERVICE}-leader` });
      assert.match((lease.spec as { holderIdentity: string }).holderIdentity, /^granted_/);
      const { data } = await admin.get(SECRETS, { namespace: NAMESPACE, name: `${SERVICE}-certs` });
      assert.ok(Object.keys(data as object).length > 0);
      for (const type of [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS]) {
        const { webhooks } = await admin.get(type, { name: SERVICE });
        for (const { clientConfig } of webhooks as { clientConfig: { caBundle?: string } }[])
          assert.ok(clientConfig.caBundle);
      }
    });

    test("has a lane of its own at the API server", async () => {
      const flowSchema = `/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/${SERVICE}`;
      const { uid } = (await cluster.plane.call("GET", flowSchema)).json().metadata;
      const path = "/apis/infrastructure.cluster.x-k8s.io/v1beta1/physicalhosts";
      const { headers } = await cluster.plane.call("GET", path, { token: await cluster.podToken("granted") });
      assert.equal(headers["x-kubernetes-pf-flowschema-uid"], uid);
    });

    test("records a claim, binds, serves requests and scrapes, and cleans up, without one refusal", async () => {
      await deeds.delegatedClaim();
      await deeds.request();
      await deeds.openBinding();
      await deeds.openMetal3Binding();
      await deeds.machineGone();
      await deeds.metal3MachineGone();
      await deeds.hostClaim();
      await deeds.scrape();
      await service.said(/Receipt keys/);
      assert.deepEqual(service.lines.filter(isRefusal), []);
    });

    test("releases the host of a consumer that does not exist", async () => {
      const pool = await Objects.in(cluster.admin, "orphans");
      await pool.host("host", { consumerRef: { kind: "Beskar7Machine", name: "gone" } });
      const token = await cluster.podToken("granted");
      const api = apiFor(cluster.plane.kubeconfig({ token }));
      const clock = new FakeClock();
      const world = new World({
        hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
        mayCrossNamespaces: () => false,
      });
      world.machinesKnown("Beskar7Machine");
      const profile = profileForKind("PhysicalHost");
      assert.ok(profile);
      world.setHost(profile.readHost(await pool.getHost("host")));
      const orphans = new Orphans({
        api,
        world,
        clock,
        log: silentLog,
        profileFor: profileForKind,
        profileForMachine: profileForMachineKind,
        release: true,
        onOrphan() {},
      });
      await orphans.look(true);
      await clock.advance(60_000);
      await orphans.look(true);
      api.close();
      assert.equal(consumerOf(await pool.getHost("host")), "");
    });

    for (const [right, deed] of Object.entries(NEEDED_BY)) {
      test(`names "${right}" when that is taken away`, { timeout: 30_000 }, async () => {
        const missing = cluster.roles.flatMap(rightsOf).find((each) => nameOf(each) === right);
        assert.ok(missing, `${right} is granted`);
        const from = service.lines.length;
        await cluster.lacking(missing, async () => {
          void deeds[deed]().catch(() => {});
          await until(() => service.lines.slice(from).some((line) => names(missing, line)));
        });
      });
    }
  });

  describe("a replica that starts without one of them", () => {
    let service: GrantedService | undefined;
    beforeEach(() => cluster.forgetState());
    afterEach(() => service?.stop());

    test("says which one, whichever it is", async (t) => {
      const known = [...GRANTED_UNUSED, ...Object.keys(NEEDED_BY)];
      const rights = cluster.roles.flatMap(rightsOf).filter((right) => !known.includes(nameOf(right)));
      assert.ok(rights.length > 20);
      for (const [index, missing] of rights.entries()) {
        await t.test(nameOf(missing), { timeout: 30_000 }, async () => {
          await cluster.forgetState();
          await cluster.lacking(missing, async () => {
            service = await start(`lacking-${index}`);
            await service.said(new RegExp(namesPattern(missing)));
            await service.stop();
          });
        });
      }
    });
  });
});

/** The API server's own words in an error, or the service's in what keeps it from standing. */
function namesPattern({ verb, resource }: Right): string {
  const plain = resource.replace("/", "\\/");
  return `cannot ${verb} resource \\\\?"${plain}\\\\?"|it may not ${verb} ${plain}`;
}
const names = (right: Right, line: string) => new RegExp(namesPattern(right)).test(line);
const isRefusal = (line: string) => /is forbidden|may not |"code":403/.test(line);
