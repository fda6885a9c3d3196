import type { Clock } from "../clock.ts";
import { WorkQueue } from "../coordinator/workqueue.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { Mirror, mirrorKey } from "../kube/mirror.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../kube/types.ts";
import type { Log } from "../log.ts";
import { machineKeyOf } from "./beskar7-objects.ts";
import type { ClaimStyle } from "./claim-style.ts";
import { CurrentRelease } from "./current-release.ts";
import { HostController } from "./host-controller.ts";
import { MachineController } from "./machine-controller.ts";
import { Release034 } from "./release-034.ts";

/** v0.3.4 with a client that reads machines from the API server, or from a cache: its references differ. */
export type Beskar7Release = "current" | "v0.3.4" | "v0.3.4-cached";

export interface Beskar7Options {
  /** With the identity of this controller's pod. */
  api: KubeApi;
  clock: Clock;
  log: Log;
  /** 0 <= random() < 1. */
  random: () => number;
  release: Beskar7Release;
  /** Absent: all namespaces. */
  namespace?: string;
  /** Not repeated sooner than this, milliseconds; default 600_000. */
  relistMs?: number;
}

const FIELD_MANAGER = "beskar7-manager";

/**
 * One active replica of Beskar7's manager as far as claims are concerned, for demonstrations, proofs and simulation:
 * caches fed by watches, and one worker for machines and one for hosts, as controller-runtime runs them by default.
 * It knows nothing of the coordinator.
 */
export class Beskar7 {
  readonly #hosts: Mirror<KubeObject>;
  readonly #machines: Mirror<KubeObject>;
  readonly #machineWork: WorkQueue;
  readonly #hostWork: WorkQueue;

  constructor(options: Beskar7Options) {
    const { api, clock, log, random, namespace, relistMs } = options;
    const following = {
      api,
      clock,
      log,
      random,
      project: (object: KubeObject) => object,
      ...(namespace !== undefined && { namespace }),
      ...(relistMs !== undefined && { relistMs }),
    };
    this.#hosts = new Mirror({
      ...following,
      type: PHYSICAL_HOSTS,
      onChange: (change) => {
        this.#hostWork.add(change.key);
        const now = change.type === "set" ? machineKeyOf(change.value) : "";
        const before = change.previous === undefined ? "" : machineKeyOf(change.previous);
        for (const key of new Set([now, before])) if (key !== "") this.#machineWork.add(key);
      },
    });
    this.#machines = new Mirror({
      ...following,
      type: BESKAR7_MACHINES,
      onChange: ({ key }) => this.#machineWork.add(key),
    });
    const work = { clock, random, parallelism: 1 };
    const machines = new MachineController({
      api,
      clock,
      style: this.#style(options),
      fieldManager: FIELD_MANAGER,
      cachedMachine: (key) => completed(this.#machines.get(key), BESKAR7_MACHINES),
      cachedHosts: (wanted) =>
        [...this.#hosts.values()].filter(({ metadata }) => metadata.namespace === wanted),
    });
    const hosts = new HostController({
      api,
      fieldManager: FIELD_MANAGER,
      cachedHost: (key) => this.#hosts.get(key),
    });
    this.#machineWork = new WorkQueue({
      ...work,
      reconcile: (key, signal) => machines.reconcile(key, signal),
      onError: (machine, err) => log.debug({ err, machine }, "Failed to associate with PhysicalHost"),
    });
    this.#hostWork = new WorkQueue({
      ...work,
      reconcile: (key, signal) => hosts.reconcile(key, signal),
      onError: (host, err) => log.debug({ err, host }, "Failed to reconcile PhysicalHost"),
    });
  }

  /** Resolves when the caches are synced, and works from then on until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    this.#hosts.start(signal);
    this.#machines.start(signal);
    await Promise.all([this.#hosts.whenSynced(signal), this.#machines.whenSynced(signal)]);
    this.#machineWork.start(signal);
    this.#hostWork.start(signal);
  }

  #style({ api, clock, random, release }: Beskar7Options): ClaimStyle {
    const fieldManager = FIELD_MANAGER;
    if (release === "current") return new CurrentRelease({ api, random, fieldManager });
    return new Release034({
      api,
      clock,
      fieldManager,
      kindKnown: release === "v0.3.4-cached",
      cachedHost: (key) => this.#hosts.get(mirrorKey(key)),
    });
  }
}

/** Items of a list may come without kind and apiVersion, which a machine's reference needs. */
function completed(object: KubeObject | undefined, type: typeof BESKAR7_MACHINES): KubeObject | undefined {
  if (object === undefined || object.kind !== undefined) return object;
  return { ...object, kind: type.kind, apiVersion: `${type.group}/${type.version}` };
}
