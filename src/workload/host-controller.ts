import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import { PHYSICAL_HOSTS } from "../kube/types.ts";
import { consumerRefOf, stateOf, statePatch } from "./beskar7-objects.ts";

export interface HostControllerOptions {
  api: KubeApi;
  fieldManager: string;
  cachedHost(key: string): KubeObject | undefined;
}

/**
 * Beskar7's host controller as far as claims are concerned: a claimed host becomes InUse, a released one Available.
 * A host in any other state is left as it is, where Beskar7 would ask the hardware.
 */
export class HostController {
  readonly #options: HostControllerOptions;

  constructor(options: HostControllerOptions) {
    this.#options = options;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<undefined> {
    const { api, fieldManager, cachedHost } = this.#options;
    const host = cachedHost(key);
    if (host === undefined || host.metadata.deletionTimestamp !== undefined) return undefined;
    const claimed = consumerRefOf(host) !== null;
    const [from, to] = claimed ? ["Available", "InUse"] : ["InUse", "Available"];
    if (stateOf(host) !== from) return undefined;
    const { namespace = "", name } = host.metadata;
    try {
      const write = { subresource: "status", fieldManager, signal } as const;
      await api.patch(PHYSICAL_HOSTS, { namespace, name }, statePatch(host, to), write);
    } catch (error) {
      // The watch brings what was written meanwhile, and the host comes here again.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    return undefined;
  }
}
