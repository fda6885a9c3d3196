import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { isConflict, isNotFound } from "../../src/kube/errors.ts";
import {
  BARE_METAL_HOSTS,
  BESKAR7_MACHINES,
  CLAIM_REQUESTS,
  METAL3_MACHINES,
  NAMESPACES,
  PHYSICAL_HOSTS,
} from "../../src/kube/types.ts";
import {
  type BareMetalHostOptions,
  type BeskarMachineOptions,
  bareMetalHost,
  beskar7Machine,
  type Metal3MachineOptions,
  metal3Machine,
  type PhysicalHostOptions,
  physicalHost,
} from "../fixtures/objects.ts";
import { until } from "./until.ts";

/** Objects on a real API server: created with their status, since that is a subresource. */
export class Objects {
  readonly #api: KubeApi;
  readonly namespace: string;

  constructor(api: KubeApi, namespace: string) {
    this.#api = api;
    this.namespace = namespace;
  }

  static async in(api: KubeApi, namespace: string): Promise<Objects> {
    await api.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    return new Objects(api, namespace);
  }

  host(name: string, options: PhysicalHostOptions = {}): Promise<KubeObject> {
    return this.#create(PHYSICAL_HOSTS, physicalHost({ ...options, name, namespace: this.namespace }));
  }

  machine(name: string, options: BeskarMachineOptions = {}): Promise<KubeObject> {
    return this.#create(BESKAR7_MACHINES, beskar7Machine({ ...options, name, namespace: this.namespace }));
  }

  bareMetalHost(name: string, options: BareMetalHostOptions = {}): Promise<KubeObject> {
    return this.#create(BARE_METAL_HOSTS, bareMetalHost({ ...options, name, namespace: this.namespace }));
  }

  metal3Machine(name: string, options: Metal3MachineOptions = {}): Promise<KubeObject> {
    return this.#create(METAL3_MACHINES, metal3Machine({ ...options, name, namespace: this.namespace }));
  }

  /** Names of the hosts that name this machine as their consumer. */
  async hostsOf(machine: string): Promise<string[]> {
    return (await this.holdings()).filter(({ consumer }) => consumer === machine).map(({ host }) => host);
  }

  /** Every host that has a consumer, with the consumer's name. */
  async holdings(): Promise<{ host: string; consumer: string }[]> {
    const { items } = await this.#api.list(PHYSICAL_HOSTS, { namespace: this.namespace });
    const all = items.map((host) => ({ host: host.metadata.name, consumer: consumerOf(host) }));
    return all.filter(({ consumer }) => consumer !== "");
  }

  getHost(name: string): Promise<KubeObject> {
    return this.#api.get(PHYSICAL_HOSTS, { namespace: this.namespace, name });
  }

  getRequest(name: string): Promise<KubeObject> {
    return this.#api.get(CLAIM_REQUESTS, { namespace: this.namespace, name });
  }

  /** Phase of the ClaimRequest of this machine; "" where there is none. */
  async phaseOf(machine: string): Promise<string> {
    try {
      return phaseOf(await this.getRequest(`beskar7machine-${machine}`));
    } catch (error) {
      if (isNotFound(error)) return "";
      throw error;
    }
  }

  /** The merge patch that Beskar7's controller sends. */
  claim(
    api: KubeApi,
    host: KubeObject,
    machine: string,
    options: { dryRun?: boolean; namespace?: string } = {},
  ): Promise<KubeObject> {
    const consumerRef = {
      kind: "Beskar7Machine",
      name: machine,
      namespace: options.namespace ?? this.namespace,
    };
    const { name, resourceVersion } = host.metadata;
    const body = { metadata: { resourceVersion }, spec: { consumerRef } };
    const write = options.dryRun ? { dryRun: true } : {};
    return api.patch(PHYSICAL_HOSTS, { namespace: this.namespace, name }, { type: "merge", body }, write);
  }

  /** As a controller claims: again after each refusal, from the newest version of the host. */
  async claimInTheEnd(api: KubeApi, host: string, machine: string): Promise<void> {
    await until(async () => {
      try {
        await this.claim(api, await this.getHost(host), machine);
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    });
  }

  release(api: KubeApi, host: string): Promise<KubeObject> {
    const body = { spec: { consumerRef: null } };
    return api.patch(PHYSICAL_HOSTS, { namespace: this.namespace, name: host }, { type: "merge", body });
  }

  async #create(type: typeof PHYSICAL_HOSTS, object: KubeObject): Promise<KubeObject> {
    const {
      uid: _uid,
      resourceVersion: _version,
      creationTimestamp: _at,
      managedFields: _fields,
      ...metadata
    } = object.metadata;
    const created = await this.#api.create(type, { ...object, metadata });
    const key = { namespace: this.namespace, name: created.metadata.name };
    return this.#api.patch(
      type,
      key,
      { type: "merge", body: { status: object.status } },
      { subresource: "status" },
    );
  }
}

export function consumerOf(host: KubeObject): string {
  return (host.spec as { consumerRef?: { name?: string } }).consumerRef?.name ?? "";
}

export function phaseOf(request: KubeObject): string {
  return ((request.status ?? {}) as { phase?: string }).phase ?? "Pending";
}
