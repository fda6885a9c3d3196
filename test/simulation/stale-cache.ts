import type { KubeObject } from "../../src/kube/api.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { authenticated, type UserInfo } from "../../src/sandbox/auth/user.ts";
import type { Core } from "../../src/sandbox/core.ts";
import { mergePatch } from "../../src/sandbox/patch/merge-patch.ts";
import { ApiError } from "../../src/sandbox/status.ts";
import { HOSTS } from "./stored.ts";

/**
 * An API server begins a write with the object from its cache. When that was old it throws everything away, the
 * verdicts of webhooks too, and begins anew; but the webhooks were asked, and have done what they do.
 */
export class StaleCache {
  readonly #core: Core;
  /** By name: the version before the one that is stored. */
  readonly #former = new Map<string, KubeObject>();

  constructor(core: Core) {
    this.#core = core;
    core.store.subscribe(HOSTS, ({ type, object, previous }) => {
      if (type === "DELETED" || previous === undefined) this.#former.delete(object.metadata.name);
      else this.#former.set(object.metadata.name, previous);
    });
  }

  /** The reviews of a merge patch as if the former version were the present one; resolves whatever they say. */
  async review(user: UserInfo, name: string, body: unknown): Promise<void> {
    const { registry, admission } = this.#core;
    const { group, version, plural } = PHYSICAL_HOSTS;
    const resource = registry.find(group, version, plural);
    const oldObject = this.#former.get(name);
    if (oldObject === undefined || resource === undefined) return;
    const object = mergePatch(structuredClone(oldObject), body) as KubeObject;
    const attributes = {
      resource,
      subresource: "",
      operation: "UPDATE" as const,
      namespace: oldObject.metadata.namespace,
      name,
      oldObject,
      user: authenticated(user),
      dryRun: false,
      options: { apiVersion: "meta.k8s.io/v1", kind: "UpdateOptions" },
      warnings: [],
      annotations: {},
    };
    try {
      const next = await admission.mutate({ ...attributes, object }, (settled) => settled);
      if (next.metadata.resourceVersion !== oldObject.metadata.resourceVersion) return;
      await admission.validate({ ...attributes, object: next });
    } catch (error) {
      // A refusal is thrown away like all of it.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
