import { randomUUID } from "node:crypto";
import type { CallOptions, KubeApi, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";

export type LeaseApi = Pick<KubeApi, "get" | "create" | "update">;

/** One Lease, kept as an API server keeps it: uid, resourceVersion as precondition, 404 and 409. */
export class LeaseServer {
  #revision = 100;
  #lease: KubeObject | null = null;
  /** Told of each change, as a watch would be. */
  readonly watchers = new Set<(lease: KubeObject | null, resourceVersion: string) => void>();

  get lease(): KubeObject | null {
    return structuredClone(this.#lease);
  }

  get spec(): Record<string, unknown> {
    return (this.lease?.spec ?? {}) as Record<string, unknown>;
  }

  get(): KubeObject {
    if (this.#lease === null) throw refusal(404, "NotFound");
    return structuredClone(this.#lease);
  }

  create(lease: KubeObject): KubeObject {
    if (this.#lease !== null) throw refusal(409, "AlreadyExists");
    return this.#store({ ...lease, metadata: { ...lease.metadata, uid: randomUUID() } });
  }

  update(lease: KubeObject): KubeObject {
    const { resourceVersion, uid } = this.get().metadata;
    const asked = lease.metadata;
    if (asked.resourceVersion !== undefined && asked.resourceVersion !== resourceVersion) {
      throw refusal(409, "Conflict");
    }
    if (asked.uid !== undefined && asked.uid !== uid) throw refusal(409, "Conflict");
    return this.#store(lease);
  }

  delete(): void {
    this.#revision += 1;
    this.#lease = null;
    for (const tell of this.watchers) tell(null, String(this.#revision));
  }

  /** Calls that are answered at once, or fail with what `fault` gives for them. */
  api(fault: (verb: keyof LeaseApi) => KubeError | undefined = () => undefined): LeaseApi {
    const answer = async (verb: keyof LeaseApi, options: CallOptions | undefined, run: () => KubeObject) => {
      if (options?.signal?.aborted) throw new KubeError("KUBE_ABORTED", "aborted");
      const error = fault(verb);
      if (error !== undefined) throw error;
      return run();
    };
    return {
      get: (_type, _key, options) => answer("get", options, () => this.get()),
      create: (_type, lease, options) => answer("create", options, () => this.create(lease)),
      update: (_type, lease, options) => answer("update", options, () => this.update(lease)),
    };
  }

  #store(lease: KubeObject): KubeObject {
    this.#revision += 1;
    const resourceVersion = String(this.#revision);
    this.#lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion } });
    for (const tell of this.watchers) tell(this.lease, resourceVersion);
    return this.get();
  }
}

export function refusal(code: number, reason: string): KubeError {
  return new KubeError("KUBE_STATUS", reason, {
    status: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason, code },
  });
}
