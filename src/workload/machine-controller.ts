import type { Clock } from "../clock.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../kube/types.ts";
import {
  ASSOCIATED_WITH_HOST,
  type Association,
  associationPatch,
  finalizersPatch,
  MACHINE_FINALIZER,
  releasePatch,
  WAITING_FOR_HOST,
} from "./beskar7-objects.ts";
import type { ClaimStyle } from "./claim-style.ts";

export interface MachineControllerOptions {
  api: KubeApi;
  clock: Clock;
  style: ClaimStyle;
  fieldManager: string;
  cachedMachine(key: string): KubeObject | undefined;
  /** Every host of the namespace, from the cache. */
  cachedHosts(namespace: string): KubeObject[];
}

/** Beskar7's machine controller, from machine to host; what it does with the host afterwards is left out. */
export class MachineController {
  readonly #options: MachineControllerOptions;

  constructor(options: MachineControllerOptions) {
    this.#options = options;
  }

  /** After how many milliseconds the machine is due again by itself; undefined: when something changes. */
  async reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { style, cachedMachine, cachedHosts } = this.#options;
    const machine = cachedMachine(key);
    if (machine === undefined) {
      style.forget(key);
      return undefined;
    }
    const { namespace = "", deletionTimestamp } = machine.metadata;
    const hosts = cachedHosts(namespace);
    const own = hosts.filter((host) => style.recognises(host, machine));
    if (deletionTimestamp !== undefined) return this.#finish(machine, own, signal);
    if (own.length > 0) {
      style.forget(key);
      await this.#say(machine, ASSOCIATED_WITH_HOST, signal);
      return undefined;
    }
    const attempt = await style.claim(machine, hosts, signal);
    if (attempt.outcome === "again") return 0;
    if (attempt.outcome === "claimed") {
      await this.#say(machine, ASSOCIATED_WITH_HOST, signal);
      return undefined;
    }
    await this.#say(machine, WAITING_FOR_HOST, signal);
    return attempt.forMs;
  }

  async #say(machine: KubeObject, association: Association, signal: AbortSignal): Promise<void> {
    const { api, clock, fieldManager } = this.#options;
    const patch = associationPatch(machine, association, clock.wallMs());
    if (patch === null) return;
    await unlessGone(
      api.patch(BESKAR7_MACHINES, keyOf(machine), patch, { subresource: "status", fieldManager, signal }),
    );
  }

  /** Releases what the machine has, then lets it go. */
  async #finish(
    machine: KubeObject,
    own: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { api, fieldManager } = this.#options;
    const write = { fieldManager, signal };
    try {
      for (const host of own) await api.patch(PHYSICAL_HOSTS, keyOf(host), releasePatch(host), write);
      const { finalizers = [] } = machine.metadata;
      if (!finalizers.includes(MACHINE_FINALIZER)) return undefined;
      const others = finalizers.filter((finalizer) => finalizer !== MACHINE_FINALIZER);
      await unlessGone(api.patch(BESKAR7_MACHINES, keyOf(machine), finalizersPatch(machine, others), write));
    } catch (error) {
      if (isConflict(error)) return 0;
      throw error;
    }
    return undefined;
  }
}

function keyOf({ metadata: { namespace = "", name } }: KubeObject): { namespace: string; name: string } {
  return { namespace, name };
}

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
