import { type Clock, sleep } from "../clock.ts";
import { fieldsOf, specOf } from "../hosts/fields.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isConflict, KubeError } from "../kube/errors.ts";
import { PHYSICAL_HOSTS } from "../kube/types.ts";
import { claimPatch, consumerRefOf, isFree, isNamedBy } from "./beskar7-objects.ts";
import type { Attempt, ClaimStyle } from "./claim-style.ts";

/** Tries on one host, and the pause before the n-th repetition; source: its HostClaimCoordinator. */
const TRIES = 5;
const PAUSE_MS = 100;
/** Whatever its coordinator advises, a machine without a host sleeps this long; source: its machine controller. */
const SLEEP_MS = 60_000;

export interface Release034Options {
  api: KubeApi;
  clock: Clock;
  fieldManager: string;
  /**
   * Whether its machines carry apiVersion and kind. Those that a controller-runtime manager reads from its cache do,
   * those that its client reads from the API server don't; the reference that it writes has what the machine has.
   */
  kindKnown: boolean;
  /** The host as its cache has it now; undefined when it is gone. */
  cachedHost(key: { namespace: string; name: string }): KubeObject | undefined;
}

/**
 * Beskar7 v0.3.4 with its claim coordinator: walks over the free hosts by name from a starting point of the machine's
 * own, five tries each while there are conflicts, with pauses that block its only worker; anything but a conflict
 * sends it to the next host at once. It recognises a reference only if the kind is the one that it would write.
 */
export class Release034 implements ClaimStyle {
  readonly #options: Release034Options;

  constructor(options: Release034Options) {
    this.#options = options;
  }

  recognises(host: KubeObject, machine: KubeObject): boolean {
    return isNamedBy(host, machine) && consumerRefOf(host)?.kind === this.#typeOf(machine).kind;
  }

  async claim(machine: KubeObject, hosts: readonly KubeObject[], signal: AbortSignal): Promise<Attempt> {
    const free = hosts
      .filter((host) => isFree(host) && fieldsOf(host.status).ready === true)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const start = startingPoint(machine);
    for (let offset = 0; offset < free.length; offset++) {
      const host = free[(start + offset) % free.length]!;
      if (await this.#tryHost(machine, host, signal)) return { outcome: "claimed" };
    }
    return { outcome: "waits", forMs: SLEEP_MS };
  }

  forget(): void {}

  async #tryHost(machine: KubeObject, candidate: KubeObject, signal: AbortSignal): Promise<boolean> {
    const { api, clock, cachedHost, fieldManager } = this.#options;
    const { namespace = "", name, uid = "" } = machine.metadata;
    const key = { namespace, name: candidate.metadata.name };
    const { apiVersion, kind } = this.#typeOf(machine);
    const consumerRef = { ...(kind !== "" && { apiVersion, kind }), namespace, name, uid };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await sleep(clock, attempt * PAUSE_MS, signal);
      const host = cachedHost(key);
      if (host === undefined || !isFree(host)) return false;
      const patch = claimPatch(host, { consumerRef, bootIsoSource: specOf(machine).imageURL ?? "" });
      try {
        await api.patch(PHYSICAL_HOSTS, key, patch, { fieldManager, signal });
        return true;
      } catch (error) {
        if (isConflict(error)) continue;
        if (error instanceof KubeError && error.code !== "KUBE_ABORTED") return false;
        throw error;
      }
    }
    return false;
  }

  #typeOf({ apiVersion = "", kind = "" }: KubeObject): { apiVersion: string; kind: string } {
    return this.#options.kindKnown ? { apiVersion, kind } : { apiVersion: "", kind: "" };
  }
}

/** Differs from machine to machine and is the same for each of its tries; FNV-1a of its name. */
function startingPoint({ metadata: { namespace = "", name } }: KubeObject): number {
  let hash = 0x811c9dc5;
  for (const character of `${namespace}/${name}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash;
}
