import type { KubeApi, KubeObject, ResourceType } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";

function refusal(code: number, reason: string): KubeError {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason } as const;
  return new KubeError("KUBE_STATUS", reason, { status });
}

/** Objects with resourceVersions, as far as certificates need them. */
export class MemoryObjects {
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;

  get(type: ResourceType, name: string): KubeObject | undefined {
    return structuredClone(this.#objects.get(`${type.kind}/${name}`));
  }

  put(type: ResourceType, object: KubeObject): KubeObject {
    this.#version += 1;
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(this.#version);
    this.#objects.set(`${type.kind}/${object.metadata.name}`, stored);
    return structuredClone(stored);
  }

  delete(type: ResourceType, name: string): void {
    this.#objects.delete(`${type.kind}/${name}`);
  }

  read(type: ResourceType, name: string): KubeObject {
    const found = this.get(type, name);
    if (found === undefined) throw refusal(404, "NotFound");
    return found;
  }

  create(type: ResourceType, object: KubeObject): KubeObject {
    if (this.get(type, object.metadata.name) !== undefined) throw refusal(409, "AlreadyExists");
    return this.put(type, object);
  }

  update(type: ResourceType, object: KubeObject): KubeObject {
    this.#expectVersion(this.read(type, object.metadata.name), object.metadata.resourceVersion);
    return this.put(type, object);
  }

  /** JSON patches of "add" and "replace" over existing paths. */
  patch(type: ResourceType, name: string, operations: { path: string; value?: unknown }[]): KubeObject {
    const object = this.read(type, name);
    for (const { path, value } of operations) {
      if (path === "/metadata/resourceVersion") this.#expectVersion(object, value as string);
      const steps = path.split("/").slice(1);
      const last = steps.pop()!;
      let at = object as Record<string, unknown>;
      for (const step of steps) at = at[step] as Record<string, unknown>;
      at[last] = value;
    }
    return this.put(type, object);
  }

  #expectVersion(stored: KubeObject, version: string | undefined): void {
    if (version !== undefined && version !== stored.metadata.resourceVersion) throw refusal(409, "Conflict");
  }
}

/** The API over these objects; `turn` is awaited before each call takes effect and before each answer. */
export function memoryApi(objects: MemoryObjects, turn: () => Promise<void> = async () => {}): KubeApi {
  const call = async <T>(effect: () => T): Promise<T> => {
    await turn();
    try {
      return effect();
    } finally {
      await turn();
    }
  };
  const missing = () => Promise.reject(new Error("not part of this API"));
  return {
    get: (type, { name }) => call(() => objects.read(type, name)),
    create: (type, object) => call(() => objects.create(type, object)),
    update: (type, object) => call(() => objects.update(type, object)),
    patch: (type, { name }, patch) =>
      call(() => objects.patch(type, name, patch.type === "json" ? patch.body : [])),
    delete: (type, { name }) => call(() => objects.delete(type, name)),
    list: missing,
    createSubresource: missing,
    watch: missing,
  };
}
