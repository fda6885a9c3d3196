import { systemClock } from "../../src/clock.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import type { ReplicaEvents, ReplicaOptions } from "../../src/replica.ts";
import { Beskar7, type Beskar7Release } from "../../src/workload/beskar7.ts";
import { HostHistory } from "../../src/workload/history.ts";
import { apiFor, LEASE_NAMESPACE, Rig, type RigReplica, until } from "../e2e/rig.ts";
import { Intercepted } from "./intercept.ts";
import { Pool } from "./pool.ts";

/** Short, so that a successor is there soon; the proportions are those of the defaults. */
const SHORT_LEASE = { leaseDurationMs: 1_500, renewDeadlineMs: 1_000, retryPeriodMs: 200 };
/** The defaults, where nobody has to succeed: not lost on a busy machine either. */
export const PATIENT_LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

export interface Contender extends RigReplica {
  readonly wire: Intercepted;
  /** When it last began to lead, on the monotonic clock; NaN before. */
  readonly ledAtMs: () => number;
}

/** A real API server with replicas of the service, Beskar7's controllers, and the history of every host. */
export class Arena {
  readonly rig: Rig;
  readonly history: HostHistory;
  readonly replicas = new Set<Contender>();
  /** Every replica there ever was. */
  readonly wires: Intercepted[] = [];
  readonly #clients: KubeClient[] = [];
  readonly #end = new AbortController();
  readonly #lease: typeof SHORT_LEASE;
  #pods = 0;

  private constructor(rig: Rig, lease: typeof SHORT_LEASE) {
    this.rig = rig;
    this.#lease = lease;
    this.history = new HostHistory({
      api: rig.admin,
      clock: systemClock,
      type: PHYSICAL_HOSTS,
      readHost: physicalHostProfile.readHost,
    });
  }

  static async start(
    replicas: number,
    options: Parameters<typeof Rig.start>[0] = {},
    lease = SHORT_LEASE,
  ): Promise<Arena> {
    const arena = new Arena(await Rig.start(options), lease);
    try {
      await arena.history.start(arena.#end.signal);
      for (let i = 0; i < replicas; i++) await arena.addReplica();
      return arena;
    } catch (error) {
      await arena.stop();
      throw error;
    }
  }

  async addReplica(changes: Partial<ReplicaOptions> = {}): Promise<Contender> {
    const pod = `coordinator-${this.#pods++}`;
    const wire = new Intercepted(await this.#clientOf("beskar7-claim-coordinator", pod));
    let ledAtMs = Number.NaN;
    const on: ReplicaEvents = {
      decision() {},
      bindResult() {},
      bound() {},
      leader(event) {
        if (event === "started_leading") ledAtMs = systemClock.monotonicMs();
      },
      machineProblems() {},
      holderUnmatched() {},
    };
    const replica = await this.rig.addReplica(pod, { ...this.#lease, on, ...changes, api: wire.api });
    const contender: Contender = { ...replica, wire, ledAtMs: () => ledAtMs };
    this.replicas.add(contender);
    this.wires.push(wire);
    return contender;
  }

  /** The replica that leads; waits for one. */
  async leader(): Promise<Contender> {
    let leader: Contender | undefined;
    await until(() => {
      leader = [...this.replicas].find(({ replica }) => replica.isLeading());
      return leader !== undefined;
    });
    return leader!;
  }

  /** Resolves when every replica has seen that these machines are gone. */
  async gone({ namespace }: Pool, ...machines: string[]): Promise<void> {
    await this.rig.known(({ world }) =>
      machines.every(
        (name) => world.consumer(`${BESKAR7_MACHINES.kind}/${namespace}/${name}`)?.machine == null,
      ),
    );
  }

  /** Of a replica that was cut off: no review goes to it any more. */
  unplug(dead: Contender): void {
    this.replicas.delete(dead);
    this.rig.route(...this.replicas);
  }

  async bury(dead: Contender): Promise<void> {
    dead.wire.bury();
    await dead.stop();
  }

  /** Active controllers of one release, each with a pod of its own; all of them work. */
  async addControllers(
    count: number,
    release: Beskar7Release = "current",
    namespace?: string,
  ): Promise<void> {
    for (let i = 0; i < count; i++) {
      const controller = new Beskar7({
        api: await this.#clientOf("beskar7", `beskar7-${this.#pods++}`),
        clock: systemClock,
        log: silentLog,
        random: Math.random,
        release,
        ...(namespace !== undefined && { namespace }),
      });
      await controller.start(this.#end.signal);
    }
  }

  pool(namespace: string): Promise<Pool> {
    return Pool.in(this.rig.admin, this.history, namespace);
  }

  /** Writes of hosts that replicas made and the API server stored, dry runs apart. */
  hostWrites(namespace: string): number {
    return this.wires
      .flatMap(({ stored }) => stored)
      .filter(({ type, key }) => type === PHYSICAL_HOSTS && key.namespace === namespace).length;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    for (const wire of this.wires) wire.bury();
    await this.rig.stop();
    for (const client of this.#clients) client.close();
  }

  async #clientOf(serviceAccount: string, pod: string): Promise<KubeClient> {
    const token = await this.rig.plane.podToken(LEASE_NAMESPACE, serviceAccount, pod);
    const client = apiFor(this.rig.plane.kubeconfig({ token }));
    this.#clients.push(client);
    return client;
  }
}
