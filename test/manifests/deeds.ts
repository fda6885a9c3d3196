import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { KubeObject } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import { CLAIM_REQUESTS } from "../../src/kube/types.ts";
import { consumerOf, Objects, phaseOf } from "../e2e/objects.ts";
import { until } from "../e2e/until.ts";
import type { GrantedCluster } from "./granted-cluster.ts";
import type { GrantedService } from "./granted-service.ts";

const isGone = (api: KubeClient, key: { namespace: string; name: string }) =>
  api.get(CLAIM_REQUESTS, key).then(
    () => false,
    (error) => isNotFound(error),
  );

/** What is done to the service, each in a namespace of its own; all wait until it has done its part. */
export class Deeds {
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

  /** A HostClaim, of which nothing is known where its kind is not served, gets a host. */
  async hostClaim(): Promise<void> {
    const pool = await this.#pool();
    await pool.bareMetalHost("host");
    const { namespace } = pool;
    const consumerRef = { apiVersion: "metal3.io/v1alpha1", kind: "HostClaim", name: "mine", namespace };
    await this.#createRequest(namespace, "hostclaim-mine", { hostKind: "BareMetalHost", consumerRef });
    await until(async () => phaseOf(await pool.getRequest("hostclaim-mine")) === "Bound");
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
