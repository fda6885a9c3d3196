import type { Clock } from "../clock.ts";
import type { World } from "../coordinator/world.ts";
import { type ConsumerName, type QueueView, viewQueue } from "./entries.ts";
import { explainHost, type HostExplanation, hostsNamed } from "./explain-host.ts";
import { explainMachine, kindsNamed, type MachineExplanation, type MachineRef } from "./explain-machine.ts";
import type { LatencyWindow, Percentiles } from "./latency.ts";
import type { LeaderEvent, LeaderView, RecentLeaders } from "./leadership.ts";
import { type PoolView, viewPools } from "./pools.ts";
import type { RecentDecision, RecentDecisions } from "./recent-decisions.ts";

/** What the views are computed from, each asked when a view is; none may throw. */
export interface ViewSources {
  readonly world: World;
  readonly clock: Pick<Clock, "wallMs">;
  readonly decisions: RecentDecisions;
  readonly leaders: RecentLeaders;
  /** Durations of the bindings that this replica has written as the holder. */
  readonly bindings: LatencyWindow;
  leader(): LeaderView;
  replica(): ReplicaView;
  /** When the serving certificate expires, milliseconds since the epoch; null where that is not known. */
  certificateExpiresAtMs(): number | null;
}

/** The replica that answers. */
export interface ReplicaView {
  readonly identity: string;
  readonly leading: boolean;
  readonly version: string;
  /** Why it can't judge claims now; null when it can. */
  readonly notReady: string | null;
}

export interface DecisionView extends Omit<RecentDecision, "atMs"> {
  readonly at: string;
}

export interface ClusterStatus {
  /** When this was so. */
  readonly at: string;
  /** The namespace that it is limited to; null: all. */
  readonly namespace: string | null;
  readonly replica: ReplicaView;
  readonly leader: LeaderView;
  /** Seen by this replica, the last first. */
  readonly leaderEvents: readonly LeaderEvent[];
  readonly pools: readonly PoolView[];
  /** Of this replica, the last first. */
  readonly decisions: readonly DecisionView[];
  /** Of this replica since it started. */
  readonly rejections: readonly { readonly reason: string; readonly count: number }[];
  /** Of this replica. */
  readonly latency: {
    readonly mutate: Percentiles;
    readonly validate: Percentiles;
    readonly bind: Percentiles;
  };
  readonly certificate: { readonly expiresAt: string | null };
}

/** Everything at once, for a page that is kept up to date. */
export interface Overview {
  readonly status: ClusterStatus;
  readonly queue: QueueView;
}

/** All that people can ask a replica. Reads the world when asked and keeps nothing of it. */
export class Views {
  readonly #from: ViewSources;

  constructor(sources: ViewSources) {
    this.#from = sources;
  }

  queue(namespace: string | null, limit: number): QueueView {
    const { world, clock } = this.#from;
    return viewQueue(world, { nowMs: clock.wallMs(), namespace, limit });
  }

  kindsNamed(name: Omit<MachineRef, "kind">): string[] {
    return kindsNamed(this.#from.world, name);
  }

  /** null for a machine that is not known. */
  machine(ref: ConsumerName, hostLimit: number): MachineExplanation | null {
    const { world, clock } = this.#from;
    return explainMachine(world, ref, clock.wallMs(), hostLimit);
  }

  /** Of every kind that has a host of this name; empty for a host that is not known. */
  hosts(namespace: string, name: string): HostExplanation[] {
    const { world } = this.#from;
    return hostsNamed(world, namespace, name).map((host) => explainHost(world, host));
  }

  status(namespace: string | null): ClusterStatus {
    const from = this.#from;
    const { world, clock, decisions } = from;
    const expiresAtMs = from.certificateExpiresAtMs();
    return {
      at: new Date(clock.wallMs()).toISOString(),
      namespace,
      replica: from.replica(),
      leader: from.leader(),
      leaderEvents: from.leaders.list(),
      pools: viewPools(world, namespace),
      decisions: decisions
        .list(namespace)
        .map(({ atMs, ...decision }) => ({ at: new Date(atMs).toISOString(), ...decision })),
      rejections: decisions.rejections(namespace),
      latency: { ...decisions.latency(), bind: from.bindings.percentiles() },
      certificate: { expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString() },
    };
  }

  overview(namespace: string | null, limit: number): Overview {
    return { status: this.status(namespace), queue: this.queue(namespace, limit) };
  }
}
