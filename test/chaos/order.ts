import { consumerKey } from "../../src/claims/claim.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import type { Random } from "../simulation/random.ts";
import { machineConsumer } from "../simulation/stored.ts";
import type { ChaosCluster, Pool } from "./cluster.ts";

const MACHINES = 6;
/** So many of the machines get one. */
export const TRIAL_HOSTS = 3;
/** A kind of host that nobody else asks for, so that nobody else's hosts fit. */
const TAG = "order";
/** Above what people give, and what an age of hours adds: others who would take any host are behind. */
const FIRST_PRIORITY = 10_000;

/** Priority order in one pool: first come the machines, of which no one fits a host, then hosts for half of them. */
export class OrderTrial {
  readonly #cluster: ChaosCluster;
  readonly #pool: Pool;
  /** From the highest priority to the lowest. */
  readonly #machines: readonly string[];
  /** Another order, in which they are made: who comes first is older. */
  readonly #made: readonly string[];

  constructor(cluster: ChaosCluster, pool: Pool, random: Random) {
    this.#cluster = cluster;
    this.#pool = pool;
    this.#machines = Array.from({ length: MACHINES }, (_, rank) => `order-${rank + 1}`);
    const made = this.#machines.map((name) => ({ name, at: random.next() })).sort((a, b) => a.at - b.at);
    this.#made = made.map(({ name }) => name);
  }

  async addMachines(): Promise<void> {
    const { namespace, release } = this.#pool;
    const image = release === "v0.3.4" ? { imageURL: "https://boot.example/kairos" } : {};
    for (const name of this.#made) {
      const priority = FIRST_PRIORITY - this.#machines.indexOf(name);
      const annotations = {
        "beskar7.io/required-tags": TAG,
        "claims.beskar7.io/priority": String(priority),
      };
      const machine = beskar7Machine({ name, namespace, annotations, ...image });
      await this.#cluster.rig.admin.create(BESKAR7_MACHINES, asNew(machine));
    }
  }

  async addHosts(): Promise<void> {
    const { admin } = this.#cluster.rig;
    const { namespace } = this.#pool;
    const hosts = Array.from({ length: TRIAL_HOSTS }, (_, nth) =>
      physicalHost({ name: `order-${nth + 1}`, namespace, labels: { [TAG]: "true" } }),
    );
    for (const host of hosts) await admin.create(PHYSICAL_HOSTS, asNew(host));
    // status is a subresource: what a create says of it is dropped.
    for (const { metadata, status } of hosts) {
      const patch = { type: "merge", body: { status } } as const;
      await admin.patch(PHYSICAL_HOSTS, { namespace, name: metadata.name }, patch, { subresource: "status" });
    }
  }

  /** What is not as it must be once the hosts are given away, as of the newest events. */
  problems(): string[] {
    const { stored, namespace } = this.#pool;
    const holders = stored
      .hosts()
      .filter(({ labels }) => labels[TAG] !== undefined)
      .map(({ consumer }) => (consumer === null ? "nobody" : consumerKey(consumer)))
      .sort();
    const wanted = this.#machines
      .slice(0, TRIAL_HOSTS)
      .map((name) => stored.machine({ namespace, name }))
      .map((machine) => (machine === null ? "a machine that is gone" : consumerKey(machineConsumer(machine))))
      .sort();
    if (holders.join() === wanted.join()) return [];
    return [`${namespace}: ${holders.join(", ")} got the hosts that were due to ${wanted.join(", ")}`];
  }
}

/** What the API server gives is left to it. */
function asNew({ apiVersion = "", kind = "", metadata, spec, status }: KubeObject): KubeObject {
  const { name, namespace = "", labels = {}, annotations = {}, finalizers = [] } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations, finalizers }, spec, status };
}
