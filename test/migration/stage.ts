import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { KubeClient } from "../../src/kube/client.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import { LEASES } from "../../src/kube/types.ts";
import { Balancer } from "../../src/sandbox/balancer.ts";
import { type ControlPlane, startControlPlane } from "../controlplane/index.ts";
import { grantControllers } from "../e2e/grants.ts";
import { apiFor, LEASE_NAME, LEASE_NAMESPACE } from "../e2e/rig.ts";
import { find, render } from "../manifests/kustomize.ts";
import { type Pod, startPod } from "./pod.ts";

const HOSTS_AND_MACHINES = join(import.meta.dirname, "../../manifests/sandbox-crds");
/** Short, so that a killed holder's Lease runs out soon; the proportions are those of the defaults. */
export const LEASE = [
  "--claim-coordinator-lease-duration=3s",
  "--claim-coordinator-renew-deadline=2s",
  "--claim-coordinator-retry-period=500ms",
];
/** As long as a cluster takes to stop sending new connections to a pod that is ending. */
const PROPAGATION_MS = 500;

/**
 * A cluster on which an administrator installs, upgrades and removes the service: a real API server with kinds of
 * hosts and machines, and the pods that a Deployment of manifests/ would have, each a process of its own.
 */
export class Stage {
  readonly plane: ControlPlane;
  readonly admin: KubeClient;
  readonly #balancer: Balancer;
  readonly #pods: Pod[] = [];

  private constructor(plane: ControlPlane, balancer: Balancer) {
    this.plane = plane;
    this.admin = apiFor(plane.kubeconfig());
    this.#balancer = balancer;
  }

  static async start(): Promise<Stage> {
    const stage = new Stage(await startControlPlane(), await Balancer.start());
    try {
      await stage.kubectl("apply", "--server-side", "-f", HOSTS_AND_MACHINES);
      await stage.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
      await stage.kubectl("create", "namespace", LEASE_NAMESPACE);
      await grantControllers(stage.plane, LEASE_NAMESPACE);
      return stage;
    } catch (error) {
      await stage.stop();
      throw error;
    }
  }

  get webhookUrl(): string {
    return `https://127.0.0.1:${this.#balancer.port}`;
  }

  get pods(): readonly Pod[] {
    return this.#pods;
  }

  /** As the cluster's administrator; the output. Rejects when it fails. */
  async kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.plane.kubectl(args);
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** A command of the service, as the cluster's administrator; the lines that it printed. */
  async command(program: string, ...args: string[]): Promise<string[]> {
    const words = [program, ...args, `--kubeconfig=${this.plane.kubeconfigFile()}`];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    return stdout.trimEnd().split("\n");
  }

  /** A new pod of this overlay's Deployment; it gets reviews when it is ready. */
  async addPod(
    name: string,
    program: string,
    overlay: string,
    extra: readonly string[] = [],
    lease: readonly string[] = LEASE,
  ): Promise<Pod> {
    const { template } = find(await render(overlay), "Deployment").spec;
    const [{ args }] = template.spec.containers;
    const pod = await startPod(this.plane, {
      name,
      program,
      serviceAccount: template.spec.serviceAccountName,
      args: [...args, ...lease, `--webhook-url=${this.webhookUrl}`, ...extra],
    });
    this.adopt(pod);
    return pod;
  }

  /** Sends reviews to a pod that was started elsewhere, too, and ends it with the rest. */
  adopt(pod: Pod): void {
    this.#pods.push(pod);
    this.#route();
  }

  /** Ends a pod as a Deployment does: the signal first, and the endpoints follow a moment later. */
  async removePod(pod: Pod): Promise<void> {
    const ended = pod.stop("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, PROPAGATION_MS));
    this.#forget(pod);
    await ended;
  }

  /** The node of this pod is gone. */
  async killPod(pod: Pod): Promise<void> {
    this.#forget(pod);
    await pod.stop("SIGKILL");
  }

  /** Sends every review to this pod alone. Nothing may be under way: connections are cut. */
  routeOnlyTo(pod: Pod): void {
    this.#balancer.setTargets([pod.port], { cut: true });
  }

  /** Sends reviews to all pods again, over new connections. Nothing may be under way. */
  routeToAll(): void {
    this.#route({ cut: true });
  }

  /** Who the Lease names; "" where nobody holds it, null where there is no Lease. */
  async holder(): Promise<string | null> {
    try {
      const lease = await this.admin.get(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
      return (lease.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const pod of this.#pods) await pod.stop("SIGKILL");
    this.admin.close();
    await this.#balancer.stop();
    await this.plane.stop();
  }

  #forget(pod: Pod): void {
    this.#pods.splice(this.#pods.indexOf(pod), 1);
    this.#route();
  }

  #route(options: { cut?: boolean } = {}): void {
    this.#balancer.setTargets(
      this.#pods.map(({ port }) => port),
      options,
    );
  }
}
