import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Orphans } from "../../src/coordinator/orphans.ts";
import { World } from "../../src/coordinator/world.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import {
  CLAIM_REQUESTS,
  LEASES,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  SECRETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects, phaseOf } from "../e2e/objects.ts";
import { apiFor } from "../e2e/rig.ts";
import { until } from "../e2e/until.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Bundle, buildBundle } from "./bundle.ts";
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

    test("records a claim, binds, serves requests and scrapes, and cleans up, without one refusal", async () => {
      await deeds.delegatedClaim();
      await deeds.request();
      await deeds.openBinding();
      await deeds.openMetal3Binding();
      await deeds.machineGone();
      await deeds.metal3MachineGone();
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

const isGone = (api: KubeClient, key: { namespace: string; name: string }) =>
  api.get(CLAIM_REQUESTS, key).then(
    () => false,
    (error) => isNotFound(error),
  );

/** What is done to the service, each in a namespace of its own; all wait until it has done its part. */
class Deeds {
  readonly #cluster: GrantedCluster;
  readonly #controller: KubeClient;
  readonly #service: GrantedService;
  #pools = 0;

  constructor(cluster: GrantedCluster, controller: KubeClient, service: GrantedService) {
    this.#cluster = cluster;
    this.#controller = controller;
    this.#service = service;
  }

  #pool(): Promise<Objects> {
    this.#pools += 1;
    return Objects.in(this.#cluster.admin, `pool-${this.#pools}`);
  }

  /** A controller claims, is told to wait, and gets its host; events say so. */
  async delegatedClaim(): Promise<void> {
    const pool = await this.#pool();
    await pool.machine("machine");
    const host = await pool.host("host");
    await assert.rejects(pool.claim(this.#controller, host, "machine"), /Conflict|leader/i);
    await until(async () => consumerOf(await pool.getHost("host")) === "machine");
    await until(async () => (await this.#eventReasons(pool.namespace)).includes("HostClaimed"));
  }

  async #eventReasons(namespace: string): Promise<string[]> {
    const answer = await this.#cluster.plane.call("GET", `/api/v1/namespaces/${namespace}/events`);
    return answer.json().items.map((event: { reason: string }) => event.reason);
  }

  /** A ClaimRequest that stands for itself gets a host, and gives it back when it is deleted. */
  async request(): Promise<void> {
    const pool = await this.#pool();
    await pool.host("host");
    await this.#createRequest(pool.namespace, "mine", { hostKind: "PhysicalHost" });
    await until(async () => phaseOf(await pool.getRequest("mine")) === "Bound");
    await this.#cluster.kubectl(["delete", "claimreq", "mine", "-n", pool.namespace, "--timeout=60s"]);
    assert.equal(consumerOf(await pool.getHost("host")), "");
  }

  async openBinding(): Promise<void> {
    const pool = await this.#pool();
    const machine = await pool.machine("machine");
    await this.#openBinding(machine, await pool.host("host", { state: "Inspecting" }));
  }

  async openMetal3Binding(): Promise<void> {
    const pool = await this.#pool();
    const machine = await pool.metal3Machine("machine");
    await this.#openBinding(machine, await pool.bareMetalHost("host", { state: "inspecting" }));
  }

  /** A leader died between binding and claim; the host is fenced, and the binding is free again. */
  async #openBinding({ kind = "", metadata }: KubeObject, host: KubeObject): Promise<void> {
    const { name: consumer, namespace = "", uid } = metadata;
    const { name: hostName, uid: hostUID, resourceVersion: hostResourceVersion } = host.metadata;
    const key = { namespace, name: `${kind.toLowerCase()}-${consumer}` };
    const consumerRef = { kind, name: consumer, namespace, uid };
    await this.#createRequest(namespace, key.name, { hostKind: host.kind, consumerRef });
    const binding = { hostName, hostUID, hostResourceVersion, term: "former" };
    const body = { status: { phase: "Binding", binding } };
    const { admin } = this.#cluster;
    await admin.patch(CLAIM_REQUESTS, key, { type: "merge", body }, { subresource: "status" });
    await until(async () => phaseOf(await admin.get(CLAIM_REQUESTS, key)) === "Pending");
  }

  async #createRequest(namespace: string, requestName: string, spec: object): Promise<void> {
    await this.#cluster.admin.create(CLAIM_REQUESTS, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      metadata: { name: requestName, namespace },
      spec,
    });
  }

  machineGone(): Promise<void> {
    return this.#consumerGone("Beskar7Machine", "PhysicalHost");
  }

  metal3MachineGone(): Promise<void> {
    return this.#consumerGone("Metal3Machine", "BareMetalHost");
  }

  /** A request whose consumer, known by its uid, does not exist any more. */
  async #consumerGone(kind: string, hostKind: string): Promise<void> {
    const { namespace } = await this.#pool();
    const requestName = `${kind.toLowerCase()}-gone`;
    const consumerRef = { kind, name: "gone", namespace, uid: "0" };
    await this.#createRequest(namespace, requestName, { hostKind, consumerRef });
    await until(() => isGone(this.#cluster.admin, { namespace, name: requestName }));
  }

  /** Somebody without a right to metrics, so that both reviews are asked for; each time with a new token. */
  async scrape(): Promise<void> {
    const token = await this.#cluster.plane.podToken("monitoring", "prometheus", "prometheus-0");
    while ((await this.#service.get("/metrics", token)) === 503) await pause(50);
  }
}
