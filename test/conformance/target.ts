import type { Json, KubectlOptions, KubectlResult, KubeHttp } from "../controlplane/index.ts";

/** A server under the suite: nothing here tells which one it is, so that no case can treat them differently. */
export interface Target {
  readonly url: string;
  readonly caPem: string;
  /** As a member of system:masters. */
  readonly call: KubeHttp;
  /** Token of a user without groups and without rights. */
  readonly strangerToken: string;
  podToken(namespace: string, serviceAccount: string, pod: string): Promise<string>;
  /** As a member of system:masters; absent where kubectl can't be had. */
  readonly kubectl?: (args: readonly string[], options?: KubectlOptions) => Promise<KubectlResult>;
  /** The events of the audit log that concern this namespace; absent where no audit log is kept. */
  readonly auditLog?: (namespace: string) => Json[];
  /** Forgets all history up to now. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

/** Name of the user behind Target.strangerToken. */
export const STRANGER = "stranger";
