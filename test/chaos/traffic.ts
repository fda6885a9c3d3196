import { sleep, systemClock } from "../../src/clock.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { Operator } from "../simulation/operator.ts";
import type { Random } from "../simulation/random.ts";
import type { ChaosCluster, Pool } from "./cluster.ts";

const HOSTS = { least: 8, most: 14 } as const;
/** More than there are hosts, so that some always wait. */
const MACHINES = 14;
const EXPLICIT_REQUESTS = 2;
const PAUSE_MS = [30, 200] as const;
/** So many names of machines are remembered, to be given again to others. */
const REMEMBERED = 10;

/** People and programs that make, change and delete what is in one pool, all the time. */
export class Traffic {
  readonly operator: Operator;
  readonly #api: KubeApi;
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #gone: string[] = [];
  #acts = 0;
  #made = 0;

  constructor(cluster: ChaosCluster, pool: Pool, random: Random) {
    this.#pool = pool;
    this.#random = random;
    const { admin } = cluster.rig;
    this.#api = {
      ...admin,
      delete: async (type, key, options) => {
        if (type !== CLAIM_REQUESTS) return admin.delete(type, key, options);
        // Exactly this one: another of its name must not go unnoticed.
        const found = pool.stored.requests().find(({ name }) => name === key.name);
        if (found === undefined) return;
        cluster.ledger.renounce(found.uid);
        await admin.delete(type, key, { ...options, preconditions: { uid: found.uid } });
      },
    };
    this.operator = new Operator({
      api: this.#api,
      namespace: pool.namespace,
      random,
      stored: pool.stored,
      style: pool.release,
      note() {},
    });
  }

  /** How often something was made, changed or deleted. */
  get acts(): number {
    return this.#acts;
  }

  /** Goes on until the signal is aborted, whatever the API server says. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#act();
      this.#acts++;
      await sleep(systemClock, this.#random.between(...PAUSE_MS), signal).catch(() => {});
    }
  }

  #act(): Promise<void> {
    const { operator } = this;
    const { stored, namespace } = this.#pool;
    const random = this.#random;
    const machines = stored.machines();
    const hosts = stored.hosts();
    if (hosts.length < HOSTS.least) return operator.addHost();
    if (hosts.length > HOSTS.most) {
      const { name } = random.pick(hosts)!;
      return this.#api.delete(PHYSICAL_HOSTS, { namespace, name }).catch(() => {});
    }
    if (machines.length < MACHINES && random.chance(0.7)) return operator.addMachine(this.#nextName());
    const explicit = stored.requests().filter((request) => request.explicit);
    if (explicit.length < EXPLICIT_REQUESTS && random.chance(0.3)) return operator.addRequest();
    for (const { name, deleting } of machines) if (deleting) this.#remember(name);
    return operator.churn();
  }

  /** Often one that another machine had: the service must not take one for the other. */
  #nextName(): string {
    const again = this.#random.chance(0.5) ? this.#gone.shift() : undefined;
    return again ?? `machine-new-${this.#made++}`;
  }

  #remember(name: string): void {
    if (this.#gone.includes(name)) return;
    this.#gone.push(name);
    if (this.#gone.length > REMEMBERED) this.#gone.shift();
  }
}
