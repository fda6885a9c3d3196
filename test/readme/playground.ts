import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expectOk } from "../controlplane/index.ts";
import { createPod, replicaPod } from "../doctor/pods.ts";
import { LEASE_NAMESPACE, until } from "../e2e/rig.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";
import { Stage } from "../migration/stage.ts";
import { Kubelet } from "./kubelet.ts";
import { ROOT } from "./page.ts";

/** So long that a holder renews in time on a busy machine too; `doctor` watches the Lease for a part of it. */
const LEASE = [
  "--claim-coordinator-lease-duration=6s",
  "--claim-coordinator-renew-deadline=4s",
  "--claim-coordinator-retry-period=1s",
];

export interface Outcome {
  readonly code: number;
  /** Both streams, as a terminal shows them. */
  readonly output: string;
}

/** A reader's machine: a checkout, a shell, kubectl and a cluster that it points to. */
export class Playground {
  readonly stage: Stage;
  readonly bundle: Bundle;
  readonly #kubelet: Kubelet;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(stage: Stage, bundle: Bundle, kubelet: Kubelet) {
    this.stage = stage;
    this.bundle = bundle;
    this.#kubelet = kubelet;
    const { plane } = stage;
    const programs = join(plane.folder, "bin");
    mkdirSync(programs);
    symlinkSync(plane.binaries.kubectl, join(programs, "kubectl"));
    symlinkSync(join(ROOT, "bin/beskar7-claim-coordinator.mjs"), join(programs, "beskar7-claim-coordinator"));
    const { PATH = "" } = process.env;
    this.#env = {
      PATH: [programs, PATH, dirname(process.execPath)].join(delimiter),
      HOME: plane.folder,
      // Where the control plane's programs are kept, so that a test run of the reader's does not build them again.
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
      KUBECONFIG: plane.kubeconfigFile(),
      // Whoever edits changes nothing.
      EDITOR: "true",
      NO_COLOR: "1",
    };
  }

  static async start(): Promise<Playground> {
    const [stage, bundle] = await Promise.all([Stage.start(), buildBundle()]);
    const logOf = (name: string) => stage.pods.find((pod) => pod.name === name)?.log();
    return new Playground(stage, bundle, await Kubelet.start(stage.plane, logOf));
  }

  /** What the reader types, in the checkout. `until` ends it with Ctrl-C once the output has this. */
  type(command: string, until?: RegExp): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn("sh", ["-c", command], {
        cwd: ROOT,
        env: this.#env,
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own, which gets the signal as a terminal's would.
        detached: until !== undefined,
      });
      let output = "";
      let interrupted = false;
      const add = (text: string) => {
        output += text;
        if (interrupted || !until?.test(output)) return;
        interrupted = true;
        process.kill(-child.pid!, "SIGINT");
      };
      child.stdout.setEncoding("utf8").on("data", add);
      child.stderr.setEncoding("utf8").on("data", add);
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? -1, output }));
    });
  }

  /** By URL, since a Service leads nowhere without a network of pods. */
  async register(): Promise<void> {
    await this.unregister();
    await this.stage.command(this.bundle.file, "install", `--webhook-url=${this.stage.webhookUrl}`);
  }

  /** A registration by Service and one by URL can't be applied one over the other. */
  async unregister(): Promise<void> {
    const kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
    await this.stage.kubectl("delete", kinds, "--all");
  }

  /**
   * What the cluster does after the Deployment was applied, and this one has no controllers for: its pods start, and
   * its status says so. The first of them leads.
   */
  async rollOut(...pods: string[]): Promise<void> {
    await this.register();
    for (const pod of pods) {
      const args = [...LEASE, `--webhook-url=${this.stage.webhookUrl}`];
      await createPod(this.stage.admin, replicaPod(pod, { args }));
      await this.stage.addPod(pod, this.bundle.file, "base", [], LEASE);
      await this.stage.pods[0]?.said("Became leader for claim coordination");
    }
    await this.rolledOut("beskar7-claim-coordinator");
  }

  async rolledOut(deployment: string): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${LEASE_NAMESPACE}/deployments/${deployment}`;
    const { call } = this.stage.plane;
    const { metadata, spec } = expectOk(await call("GET", path));
    const { replicas } = spec;
    const counts = {
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    };
    const status = { observedGeneration: metadata.generation, ...counts };
    const contentType = "application/merge-patch+json";
    expectOk(await call("PATCH", `${path}/status`, { body: { status }, contentType }));
  }

  /** Ends a namespace that is being deleted, as its controller would once it is empty. */
  async endNamespace(name: string): Promise<void> {
    const { call } = this.stage.plane;
    const path = `/api/v1/namespaces/${name}`;
    await until(async () => {
      const namespace = (await call("GET", path)).json();
      if (namespace.metadata.deletionTimestamp === undefined) return false;
      expectOk(await call("PUT", `${path}/finalize`, { body: { ...namespace, spec: { finalizers: [] } } }));
      return true;
    });
  }

  async stop(): Promise<void> {
    await this.stage.stop();
    await this.#kubelet.stop();
    this.bundle.remove();
  }
}
