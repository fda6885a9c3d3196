import type { KubeObject } from "../kube/api.ts";
import { customResources } from "./custom-resources.ts";
import { BUILTINS, REVIEWS } from "./resources/builtins.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import type { Store } from "./store.ts";

export const CRD_STORAGE = "customresourcedefinitions.apiextensions.k8s.io";

/** Which resource types are served: the built-in ones and those of established CustomResourceDefinitions. */
export class Registry {
  readonly #resources = new Map<string, Resource>();
  readonly #served = new Map<string, Resource[]>();

  constructor(store: Store) {
    for (const resource of [...BUILTINS, ...REVIEWS]) this.#resources.set(keyOf(resource), resource);
    store.subscribe(CRD_STORAGE, ({ type, key, object }) => {
      this.#withdraw(key);
      if (type !== "DELETED") this.#serve(key, object);
    });
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(keyOf({ group, version, plural }));
  }

  byKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  /** One resource per stored type, whatever the number of its versions. */
  stored(): Resource[] {
    const byPlural = new Map<string, Resource>();
    for (const resource of this.#resources.values()) {
      if (!REVIEWS.includes(resource)) byPlural.set(`${resource.plural}.${resource.group}`, resource);
    }
    return [...byPlural.values()];
  }

  #serve(name: string, definition: KubeObject): void {
    const resources = customResources(definition);
    this.#served.set(name, resources);
    for (const resource of resources) this.#resources.set(keyOf(resource), resource);
  }

  #withdraw(name: string): void {
    for (const resource of this.#served.get(name) ?? []) this.#resources.delete(keyOf(resource));
    this.#served.delete(name);
  }
}

function keyOf({ group, version, plural }: { group: string; version: string; plural: string }): string {
  return `${group}/${version}/${plural}`;
}
