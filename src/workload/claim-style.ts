import type { KubeObject } from "../kube/api.ts";

/** How one release of Beskar7 gets a host for a machine that has none as far as its caches tell. */
export interface ClaimStyle {
  /** Whether this release recognises the host as the machine's. */
  recognises(host: KubeObject, machine: KubeObject): boolean;
  /**
   * One reconciliation. `hosts` are those of the machine's namespace, from the cache, which may be behind. Rejects
   * with the KubeError of a claim that failed for another reason than a conflict.
   */
  claim(machine: KubeObject, hosts: readonly KubeObject[], signal: AbortSignal): Promise<Attempt>;
  /** The machine has a host or is gone: what was counted for it is over. */
  forget(machineKey: string): void;
}

export type Attempt =
  /** The API server accepted the claim. */
  | { outcome: "claimed" }
  /** Somebody was faster, or said no: the machine is looked at again at once, its condition unchanged. */
  | { outcome: "again" }
  /** Says in the machine's condition that it waits, and sleeps, unless a host that names the machine changes. */
  | { outcome: "waits"; forMs: number };
