import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isConflict } from "../kube/errors.ts";
import { PHYSICAL_HOSTS } from "../kube/types.ts";
import { claimPatch, isFree, isNamedBy } from "./beskar7-objects.ts";
import type { Attempt, ClaimStyle } from "./claim-style.ts";

/** How long a machine sleeps that found no host; source: RequeueAfter in Beskar7's machine controller. */
const SLEEP_MS = 60_000;

export interface CurrentReleaseOptions {
  api: KubeApi;
  /** 0 <= random() < 1. */
  random: () => number;
  fieldManager: string;
}

/**
 * Beskar7's current release: a random free host of the cache, one merge patch with its resourceVersion. The first
 * conflict is followed by another try at once; after a second one in a row the minute counts, since its own
 * immediate requeue is dropped then.
 */
export class CurrentRelease implements ClaimStyle {
  readonly #options: CurrentReleaseOptions;
  readonly #conflicted = new Set<string>();

  constructor(options: CurrentReleaseOptions) {
    this.#options = options;
  }

  recognises(host: KubeObject, machine: KubeObject): boolean {
    return isNamedBy(host, machine);
  }

  async claim(machine: KubeObject, hosts: readonly KubeObject[], signal: AbortSignal): Promise<Attempt> {
    const { api, random, fieldManager } = this.#options;
    const { namespace = "", name, uid = "" } = machine.metadata;
    const free = hosts.filter(isFree);
    const host = free[Math.floor(random() * free.length)];
    const key = `${namespace}/${name}`;
    if (host === undefined) {
      this.#conflicted.delete(key);
      return { outcome: "waits", forMs: SLEEP_MS };
    }
    const { apiVersion = "", kind = "" } = machine;
    const patch = claimPatch(host, { consumerRef: { apiVersion, kind, namespace, name, uid } });
    try {
      await api.patch(PHYSICAL_HOSTS, { namespace, name: host.metadata.name }, patch, {
        fieldManager,
        signal,
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (this.#conflicted.delete(key)) return { outcome: "waits", forMs: SLEEP_MS };
      this.#conflicted.add(key);
      return { outcome: "again" };
    }
    this.#conflicted.delete(key);
    return { outcome: "claimed" };
  }

  forget(machineKey: string): void {
    this.#conflicted.delete(machineKey);
  }
}
