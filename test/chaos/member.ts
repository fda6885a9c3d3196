import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { freePorts } from "../controlplane/ports.ts";
import { type Supervised, supervise } from "../controlplane/supervise.ts";
import { LEASE_NAMESPACE, type Rig } from "../e2e/rig.ts";
import { Link } from "./link.ts";

/** How replicas are started: with these arguments of Node, before those of the manager. */
export interface Program {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PROBE_TIMEOUT_MS = 1_000;
/** What only a mistake of the program itself makes it say. */
const OWN_MISTAKE = /\b(TypeError|ReferenceError|RangeError|AssertionError|ERR_ASSERTION|Unhandled)\b/;

export interface MemberOptions {
  readonly rig: Rig;
  readonly pod: string;
  /** Whether it stands for election; one that does not goes on judging when there is no leader. */
  readonly stands: boolean;
  readonly program: Program;
  /** Beside those that make it a member of this cluster. */
  readonly flags: readonly string[];
  /** A folder where the replica's log is kept; "" keeps none. */
  readonly logs: string;
  readonly violated: (sentence: string) => void;
}

/**
 * One replica of the service in a process of its own, behind two links: one to the API server, and one from it. It can
 * be killed, stopped and started again in the same pod.
 */
export class Member {
  readonly pod: string;
  /** What the replica says to the API server, and hears from it. */
  readonly outward: Link;
  /** Where its reviews arrive. */
  readonly inward: Link;
  /** Every process there was. */
  readonly pids: number[] = [];
  elections = 0;
  /** Of the process that runs. */
  electionsSinceLaunch = 0;
  /** How often it said that it serves another certificate. */
  renewals = 0;
  readonly #options: MemberOptions;
  readonly #args: readonly string[];
  readonly #healthPort: number;
  readonly #metricsPort: number;
  #process: Supervised | null = null;
  #frozen = false;

  private constructor(
    options: MemberOptions,
    links: { outward: Link; inward: Link },
    args: string[],
    ports: { health: number; metrics: number },
  ) {
    this.#options = options;
    this.pod = options.pod;
    this.outward = links.outward;
    this.inward = links.inward;
    this.#args = args;
    this.#healthPort = ports.health;
    this.#metricsPort = ports.metrics;
  }

  static async start(options: MemberOptions): Promise<Member> {
    const { rig, pod } = options;
    const { plane } = rig;
    const [port, health, metrics] = (await freePorts(3)) as [number, number, number];
    const outward = await Link.to(Number(new URL(plane.url).port));
    const inward = await Link.to(port);
    const folder = join(plane.folder, pod);
    mkdirSync(folder);
    const kubeconfig = join(folder, "kubeconfig");
    const token = await longToken(rig, "beskar7-claim-coordinator", pod);
    writeFileSync(kubeconfig, kubeconfigThrough(rig, outward, token), { mode: 0o600 });
    const args = [
      "manager",
      `--kubeconfig=${kubeconfig}`,
      ...options.flags,
      `--enable-claim-coordinator-leader-election=${options.stands}`,
      `--lease-namespace=${LEASE_NAMESPACE}`,
      `--webhook-url=https://127.0.0.1:${rig.balancer.port}`,
      `--webhook-bind-address=127.0.0.1:${port}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      "--metrics-secure=false",
      ...(options.logs === "" ? [] : ["--zap-log-level=debug"]),
    ];
    const member = new Member(options, { outward, inward }, args, { health, metrics });
    await member.launch();
    return member;
  }

  get stands(): boolean {
    return this.#options.stands;
  }

  get running(): boolean {
    return this.#process !== null && !this.#process.hasExited();
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  async launch(): Promise<void> {
    const { rig, program, violated } = this.#options;
    const folder = join(rig.plane.folder, this.pod);
    this.electionsSinceLaunch = 0;
    const launched = await supervise(process.execPath, [...program.args, ...this.#args], {
      logFile: join(folder, "stderr.log"),
      folder,
      env: { ...process.env, ...program.env, POD_NAME: this.pod, POD_NAMESPACE: LEASE_NAMESPACE },
      onLine: (line) => this.#heard(line),
    });
    this.#process = launched;
    this.pids.push(launched.pid);
    void launched.exited.then((how) => {
      // Whoever ends it on purpose takes it away first.
      if (this.#process === launched) violated(`${this.pod} ended by itself (${how}): ${launched.logTail()}`);
    });
  }

  /** kill -9 */
  async kill(): Promise<void> {
    const launched = this.#process;
    this.#process = null;
    this.#frozen = false;
    await launched?.stop("SIGKILL");
  }

  freeze(): void {
    this.#frozen = true;
    this.#process?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#frozen = false;
    this.#process?.signal("SIGCONT");
  }

  /** What Prometheus would scrape; rejects when there is no answer. */
  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS * 5),
    });
    if (!answer.ok) throw new Error(`${this.pod} answers ${answer.status} to who asks for its metrics`);
    return answer.text();
  }

  /** What a kubelet's probe would find. */
  isReady(): Promise<boolean> {
    return new Promise((resolve) => {
      const options = { port: this.#healthPort, host: "127.0.0.1", path: "/readyz", agent: false };
      const probe = get({ ...options, timeout: PROBE_TIMEOUT_MS }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      });
      probe.on("timeout", () => probe.destroy());
      probe.on("error", () => resolve(false));
      probe.on("close", () => resolve(false));
    });
  }

  /** Ends everything; rejects nothing. */
  async stop(): Promise<void> {
    await this.kill();
    await Promise.all([this.outward.close(), this.inward.close()]);
  }

  #heard(line: string): void {
    const { logs, violated } = this.#options;
    if (logs !== "") appendFileSync(join(logs, `${this.pod}.log`), `${line}\n`);
    if (line.includes('"Became leader for claim coordination"')) {
      this.elections++;
      this.electionsSinceLaunch++;
    }
    if (line.includes('"Serving a new certificate"')) this.renewals++;
    if (OWN_MISTAKE.test(line)) violated(`${this.pod} made a mistake: ${line}`);
  }
}

/** Of a pod, for longer than any run. */
export function longToken(rig: Rig, serviceAccount: string, pod: string): Promise<string> {
  const expirationSeconds = 30 * 24 * 3600;
  return rig.plane.podToken(LEASE_NAMESPACE, serviceAccount, pod, { expirationSeconds });
}

/** A kubeconfig that leads through the link; the API server's certificate names no port. */
export function kubeconfigThrough({ plane }: Rig, link: Link, token: string): string {
  return plane.kubeconfig({ token }).replace(plane.url, `https://127.0.0.1:${link.port}`);
}
