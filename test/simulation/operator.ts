import type { KubeApi, KubeObject, ResourceType } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { BESKAR7_MACHINES, CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { CLAIM_REQUEST_API_VERSION } from "../../src/requests/claim-request.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Stored } from "./stored.ts";

/** The people and programs around the service: they make hosts, machines and requests, change them and take them away. */
export class Operator {
  readonly #api: KubeApi;
  readonly #namespace: string;
  readonly #random: Random;
  readonly #stored: Stored;
  readonly #style: Plan["controllers"][number];
  readonly #note: (what: string) => void;
  readonly #renounce: (requestUid: string) => void;
  #made = 0;

  constructor(options: {
    api: KubeApi;
    namespace: string;
    random: Random;
    stored: Stored;
    style: Plan["controllers"][number];
    note: (what: string) => void;
    /** Told before a request is deleted. */
    renounce?: (requestUid: string) => void;
  }) {
    this.#api = options.api;
    this.#namespace = options.namespace;
    this.#random = options.random;
    this.#stored = options.stored;
    this.#style = options.style;
    this.#note = options.note;
    this.#renounce = options.renounce ?? (() => {});
  }

  addHost(name = `host-${this.#made++}`): Promise<void> {
    const random = this.#random;
    const labels = {
      ...(random.chance(0.4) && { gpu: "true" }),
      ...(random.chance(0.4) && { nvme: "true" }),
    };
    const state = random.chance(0.8) ? "Available" : "Enrolling";
    return this.#do(`adds ${name}`, () =>
      this.#create(PHYSICAL_HOSTS, physicalHost({ name, namespace: this.#namespace, labels, state })),
    );
  }

  addMachine(name = `machine-${this.#made++}`): Promise<void> {
    const random = this.#random;
    const annotations = {
      ...(random.chance(0.25) && { "beskar7.io/required-tags": "gpu" }),
      ...(random.chance(0.25) && { "beskar7.io/preferred-tags": "nvme" }),
      ...(random.chance(0.25) && { "claims.beskar7.io/priority": String(random.integer(-50, 50)) }),
    };
    const image = this.#style === "v0.3.4" ? { imageURL: "https://boot.example/kairos" } : {};
    return this.#do(`adds ${name}`, () =>
      this.#create(
        BESKAR7_MACHINES,
        beskar7Machine({ name, namespace: this.#namespace, annotations, ...image }),
      ),
    );
  }

  addRequest(name = `request-${this.#made++}`): Promise<void> {
    const priority = this.#random.integer(-20, 20);
    return this.#do(`adds ${name}`, () =>
      this.#create(CLAIM_REQUESTS, {
        apiVersion: CLAIM_REQUEST_API_VERSION,
        kind: CLAIM_REQUESTS.kind,
        metadata: { namespace: this.#namespace, name },
        spec: { hostKind: PHYSICAL_HOSTS.kind, priority },
      }),
    );
  }

  /** One of the things that happen in a cluster. */
  churn(): Promise<void> {
    const random = this.#random;
    const machine = random.pick(this.#stored.machines());
    const host = random.pick(this.#stored.hosts());
    const request = random.pick(this.#stored.requests());
    const anything = random.next();
    if (anything < 0.1) return this.addHost();
    if (anything < 0.2) return this.addMachine();
    if (anything < 0.23) return this.addRequest();
    if (anything < 0.45 && machine) return this.#delete(BESKAR7_MACHINES, machine.name);
    if (anything < 0.53 && machine)
      return this.#delete(BESKAR7_MACHINES, machine.name).then(() => this.addMachine(machine.name));
    if (anything < 0.58 && host) return this.#delete(PHYSICAL_HOSTS, host.name);
    if (anything < 0.63 && host)
      return this.#delete(PHYSICAL_HOSTS, host.name).then(() => this.addHost(host.name));
    if (anything < 0.73 && host) return this.#setState(host.name, random.pick(["Available", "Error"])!);
    if (anything < 0.8 && host) {
      const labels = { gpu: random.chance(0.5) ? "true" : null };
      return this.#merge(PHYSICAL_HOSTS, host.name, { metadata: { labels } });
    }
    const held = random.pick(this.#stored.hosts().filter(({ consumer }) => consumer !== null)) ?? host;
    if (anything < 0.85) {
      if (held) return this.#merge(PHYSICAL_HOSTS, held.name, { spec: { consumerRef: null } });
    }
    if (anything < 0.9 && machine) {
      const annotations = { "claims.beskar7.io/priority": String(random.integer(-50, 50)) };
      return this.#merge(BESKAR7_MACHINES, machine.name, { metadata: { annotations } });
    }
    if (anything < 0.95 && machine && host && held)
      return this.#seize(anything < 0.93 ? held.name : host.name, machine.name);
    if (anything < 0.97 && machine) {
      const annotations = { "cluster.x-k8s.io/paused": machine.paused ? null : "true" };
      return this.#merge(BESKAR7_MACHINES, machine.name, { metadata: { annotations } });
    }
    if (request) this.#renounce(request.uid);
    if (request) return this.#delete(CLAIM_REQUESTS, request.name);
    return Promise.resolve();
  }

  /** Ends what would keep hosts or machines from ever being served. */
  async tidy(): Promise<void> {
    for (const { name, consumer, unavailable } of this.#stored.hosts()) {
      if (consumer === null && unavailable !== "") await this.#setState(name, "Available");
    }
  }

  /** What no controller does: writes a machine into a host without a look at it, held or broken as it may be. */
  #seize(host: string, machine: string): Promise<void> {
    const { apiVersion, kind } = beskar7Machine({ name: machine });
    const consumerRef = { apiVersion, kind, name: machine, namespace: this.#namespace };
    return this.#merge(PHYSICAL_HOSTS, host, { spec: { consumerRef } });
  }

  #setState(name: string, state: string): Promise<void> {
    return this.#do(`says that ${name} is ${state}`, () =>
      this.#api.patch(
        PHYSICAL_HOSTS,
        { namespace: this.#namespace, name },
        { type: "merge", body: { status: { state, ready: state === "Available" } } },
        { subresource: "status" },
      ),
    );
  }

  #merge(type: ResourceType, name: string, body: unknown): Promise<void> {
    return this.#do(`changes ${name}: ${JSON.stringify(body)}`, () =>
      this.#api.patch(type, { namespace: this.#namespace, name }, { type: "merge", body }),
    );
  }

  #delete(type: ResourceType, name: string): Promise<void> {
    return this.#do(`deletes ${name}`, () => this.#api.delete(type, { namespace: this.#namespace, name }));
  }

  /** status is a subresource: what a create says of it is dropped. */
  async #create(type: ResourceType, object: KubeObject): Promise<void> {
    const {
      uid: _u,
      resourceVersion: _r,
      creationTimestamp: _c,
      managedFields: _m,
      ...metadata
    } = object.metadata;
    const created = await this.#api.create(type, { ...object, metadata });
    if (type !== PHYSICAL_HOSTS) return;
    const key = { namespace: this.#namespace, name: created.metadata.name };
    const body = { status: object.status };
    await this.#api.patch(type, key, { type: "merge", body }, { subresource: "status" });
  }

  /** Whatever the API server says to it is fine. */
  async #do(what: string, write: () => Promise<unknown>): Promise<void> {
    this.#note(what);
    try {
      await write();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.#note(`could not: ${error.message}`);
    }
  }
}
