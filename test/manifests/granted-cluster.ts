import assert from "node:assert/strict";
import { join } from "node:path";
import { registrationObjects } from "../../src/cli/install-objects.ts";
import { installedType } from "../../src/cli/install-types.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { LEASES, SECRETS } from "../../src/kube/types.ts";
import { type ControlPlane, expectOk, startControlPlane } from "../controlplane/index.ts";
import { freePorts } from "../controlplane/ports.ts";
import { apiFor } from "../e2e/rig.ts";
import { until } from "../e2e/until.ts";
import { find, render } from "./kustomize.ts";
import { nameOf, type Right, without } from "./rights.ts";

export const NAMESPACE = "beskar7-system";
export const SERVICE = "beskar7-claim-coordinator";
const CERTIFICATES = "beskar7-claim-coordinator-certs";
const LEASE = "beskar7-claim-coordinator-leader";

/** A real API server with what manifests/base grants, and nothing more; webhooks are registered by URL. */
export class GrantedCluster {
  readonly plane: ControlPlane;
  readonly admin: KubeClient;
  /** By door; the webhook's is the one that is registered. */
  readonly ports: { webhook: number; metrics: number; health: number };
  readonly #template: { metadata: object; spec: object };
  /** The roles that the base binds to the service account. */
  readonly roles: readonly KubeObject[];

  private constructor(plane: ControlPlane, ports: GrantedCluster["ports"], base: readonly KubeObject[]) {
    this.plane = plane;
    this.admin = apiFor(plane.kubeconfig());
    this.ports = ports;
    this.#template = find(base, "Deployment").spec.template;
    const bound = base
      .filter(({ kind }) => kind?.endsWith("RoleBinding"))
      .map(({ roleRef }) => roleRef as { kind: string; name: string });
    this.roles = base.filter(({ kind, metadata }) =>
      bound.some((ref) => ref.kind === kind && ref.name === metadata.name),
    );
  }

  static async start(): Promise<GrantedCluster> {
    const base = await render("base");
    const [webhook = 0, metrics = 0, health = 0] = await freePorts(3);
    const cluster = new GrantedCluster(await startControlPlane(), { webhook, metrics, health }, base);
    try {
      const definitions = join(import.meta.dirname, "../../manifests/sandbox-crds");
      await cluster.kubectl(["apply", "--server-side", "-f", definitions]);
      const inCluster = ["Deployment", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
      await cluster.apply(...base.filter(({ kind }) => !inCluster.includes(kind ?? "")));
      await cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
      const names = { namespace: NAMESPACE, leaseNamespace: NAMESPACE, certSecret: CERTIFICATES };
      const target = { url: `https://127.0.0.1:${cluster.ports.webhook}` };
      await cluster.apply(...registrationObjects({ ...names, registration: SERVICE }, { target }));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async kubectl(args: string[], input = ""): Promise<void> {
    const { code, stderr } = await this.plane.kubectl(args, { input });
    assert.equal(code, 0, stderr);
  }

  async apply(...items: KubeObject[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await this.kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], list);
  }

  /** A token of the service account, bound to a pod that is made as the Deployment makes it. */
  async podToken(pod: string): Promise<string> {
    const { metadata, spec } = this.#template;
    const body = { metadata: { ...metadata, name: pod }, spec };
    const { call } = this.plane;
    const inNamespace = `/api/v1/namespaces/${NAMESPACE}`;
    await call("POST", `${inNamespace}/pods`, { body });
    const made = expectOk(await call("GET", `${inNamespace}/pods/${pod}`));
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: pod, uid: made.metadata.uid };
    const path = `${inNamespace}/serviceaccounts/${SERVICE}/token`;
    return expectOk(await call("POST", path, { body: { spec: { boundObjectRef } } })).status.token;
  }

  /** Takes one right away, runs `during`, and gives it back. */
  async lacking<T>(right: Right, during: () => Promise<T>): Promise<T> {
    const changed = this.roles.map((role) => ({ role, less: without(role, right) }));
    const hit = changed.filter(({ role, less }) => JSON.stringify(role) !== JSON.stringify(less));
    assert.ok(hit.length > 0, `${nameOf(right)} is granted`);
    for (const { less } of hit) await this.#grant(less);
    try {
      await until(async () => !(await this.#allowed(right)));
      return await during();
    } finally {
      for (const { role } of hit) await this.#grant(role);
      await until(() => this.#allowed(right));
    }
  }

  /** Without Secret and Lease, as before the first replica ever ran. */
  async forgetState(): Promise<void> {
    const inNamespace = (name: string) => ({ namespace: NAMESPACE, name });
    await this.admin.delete(SECRETS, inNamespace(CERTIFICATES)).catch(() => {});
    await this.admin.delete(LEASES, inNamespace(LEASE)).catch(() => {});
  }

  async stop(): Promise<void> {
    this.admin.close();
    await this.plane.stop();
  }

  async #grant(role: KubeObject): Promise<void> {
    const { namespace, name } = role.metadata;
    const key = namespace === undefined ? { name } : { namespace, name };
    const rules = { type: "merge", body: { rules: role.rules } } as const;
    await this.admin.patch(installedType(role.kind), key, rules);
  }

  async #allowed({ verb, group, resource }: Right): Promise<boolean> {
    const [plain, subresource] = resource.split("/");
    const names: Record<string, string> = { secrets: CERTIFICATES };
    const name =
      verb === "create" ? undefined : resource.endsWith("configurations") ? SERVICE : names[resource];
    const user = `system:serviceaccount:${NAMESPACE}:${SERVICE}`;
    const resourceAttributes = { verb, group, resource: plain, subresource, name, namespace: NAMESPACE };
    const answer = await this.plane.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      body: { spec: { user, resourceAttributes } },
    });
    return answer.json().status.allowed === true;
  }
}
