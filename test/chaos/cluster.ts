import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import { LEASES, NAMESPACES } from "../../src/kube/types.ts";
import { type LeaseRecord, readLease } from "../../src/leader/lease.ts";
import { HoldingWebhook } from "../e2e/holding-webhook.ts";
import { LEASE_NAME, LEASE_NAMESPACE, Rig } from "../e2e/rig.ts";
import { Stored } from "../simulation/stored.ts";
import { type Attempts, Contender, type Release } from "./contender.ts";
import { Ledger } from "./ledger.ts";
import { Member, type Program } from "./member.ts";
import { HISTORY_FROM_ETCD, Timeline } from "./timeline.ts";

/** Two releases that look after the same machines contradict each other without end, so each has its own. */
const POOLS: Record<string, readonly Release[]> = {
  "pool-current": ["current", "current", "current"],
  "pool-v034": ["v0.3.4", "v0.3.4"],
};
const REPLICAS = 3;
const STANDING = 2;
const WEBHOOK_TIMEOUT_SECONDS = 5;
/** Short times, so that a successor is there soon; in the proportions of the defaults. */
const FLAGS = [
  "--claim-coordinator-lease-duration=3s",
  "--claim-coordinator-renew-deadline=2s",
  "--claim-coordinator-retry-period=400ms",
  `--webhook-timeout=${WEBHOOK_TIMEOUT_SECONDS}s`,
  "--ca-overlap-wait=2s",
];
/** As often as a cluster tells its balancers who is ready; ten times as often as a kubelet asks. */
const PROBE_MS = 500;

export interface Pool {
  readonly namespace: string;
  readonly release: Release;
  /** As the newest events tell, which a person with a watch would see. */
  readonly stored: Stored;
  /** Another's webhook behind ours: what is admitted and not stored yet. */
  readonly behind: HoldingWebhook;
}

export interface ClusterOptions {
  readonly program: Program;
  /** A folder for the replicas' logs and the history; "" keeps none. */
  readonly logs: string;
}

/** A real API server, replicas as processes, contending controllers, and what the API server tells of all of them. */
export class ChaosCluster {
  readonly rig: Rig;
  readonly timeline: Timeline;
  readonly ledger: Ledger;
  readonly attempts: Attempts = { sent: 0, stored: 0, refused: 0, failed: 0 };
  readonly members: Member[] = [];
  readonly contenders: Contender[] = [];
  readonly pools: Pool[] = [];
  readonly violated = (sentence: string): void => void this.ledger.violations.push(sentence);
  readonly #end = new AbortController();
  #probing: Promise<void> = Promise.resolve();

  private constructor(rig: Rig, logs: string) {
    this.rig = rig;
    this.timeline = new Timeline(rig.admin, (line) => {
      if (logs !== "") appendFileSync(join(logs, "history.log"), `${line}\n`);
    });
    this.ledger = new Ledger(this.timeline.settled);
  }

  static async start({ program, logs }: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(await Rig.start({ apiServerArgs: [HISTORY_FROM_ETCD] }), logs);
    try {
      await cluster.#start(program, logs);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** null: there is none. Rejects when the API server does not say. */
  async lease(): Promise<LeaseRecord | null> {
    const key = { namespace: LEASE_NAMESPACE, name: LEASE_NAME };
    try {
      return readLease(await this.rig.admin.get(LEASES, key, { timeoutMs: 2_000 }));
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** The replica that the Lease names; undefined while there is none, or the API server does not say. */
  async leader(): Promise<Member | undefined> {
    const lease = await this.lease().catch(() => null);
    return this.members.find(({ pod }) => lease?.holderIdentity.startsWith(`${pod}_`));
  }

  /** Resolves at the next binding that is taken, or when `limitMs` are over. */
  async untilBinding(limitMs: number): Promise<void> {
    const bindings = () =>
      this.pools
        .flatMap(({ stored }) => stored.requests())
        .filter(({ phase }) => phase === "Binding")
        .map(({ resourceVersion }) => resourceVersion);
    const before = new Set(bindings());
    let over = false;
    // Whoever has waited long enough stops listening at the next event.
    const isNew = () => over || bindings().some((version) => !before.has(version));
    await Promise.race([this.timeline.untilRequests(isNew), sleep(systemClock, limitMs)]);
    over = true;
  }

  /** Processes of this run that live although they should not. */
  leaks(): string[] {
    const { folder } = this.rig.plane;
    return readdirSync("/proc").flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(folder) ? [`process ${pid} is still there: ${command}`] : [];
      } catch {
        return [];
      }
    });
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#probing;
    for (const { behind } of this.pools) await behind.stop().catch(() => {});
    await Promise.all(this.contenders.map((contender) => contender.stop()));
    await Promise.all(this.members.map((member) => member.stop()));
    await this.rig.stop();
  }

  async #start(program: Program, logs: string): Promise<void> {
    const { rig, timeline } = this;
    await timeline.start(this.#end.signal);
    // As the replicas would have it, which report what differs.
    await rig.register({ timeoutSeconds: WEBHOOK_TIMEOUT_SECONDS });
    this.#probing = this.#probe();
    for (let nth = 0; nth < REPLICAS; nth++) {
      const pod = `coordinator-${nth}`;
      const options = {
        rig,
        pod,
        program,
        logs,
        flags: FLAGS,
        stands: nth < STANDING,
        violated: this.violated,
      };
      this.members.push(await Member.start(options));
    }
    for (const [namespace, releases] of Object.entries(POOLS)) {
      await rig.admin.create(NAMESPACES, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace },
      });
      const stored = new Stored(timeline.newest.within(namespace));
      const behind = await HoldingWebhook.start(rig, { kind: "validating", namespace });
      behind.release();
      this.pools.push({ namespace, release: releases[0]!, stored, behind });
      for (const release of releases) {
        const pod = `beskar7-${this.contenders.length}`;
        const options = { release, namespace, attempts: this.attempts };
        this.contenders.push(await Contender.start(rig, pod, options));
      }
    }
    while ((await this.leader()) === undefined) {
      const { violations } = this.ledger;
      if (violations.length > 0) throw new Error(`no replica came to lead: ${violations.join("\n")}`);
      await sleep(systemClock, PROBE_MS, this.#end.signal);
    }
  }

  /** Reviews go to the replicas that say they are ready, as a Service's endpoints do. */
  async #probe(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const ready = await Promise.all(this.members.map((member) => member.isReady()));
      const targets = this.members.filter((_, nth) => ready[nth]);
      this.rig.balancer.setTargets(targets.map(({ inward }) => inward.port));
      await sleep(systemClock, PROBE_MS, this.#end.signal).catch(() => {});
    }
  }
}
