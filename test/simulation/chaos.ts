import type { KubeApi } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import {
  BESKAR7_MACHINES,
  CLAIM_REQUESTS,
  LEASES,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  PHYSICAL_HOSTS,
  SECRETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { type Cluster, LEASE_NAME, type Member } from "./cluster.ts";
import type { ActiveFaults, Fault } from "./faults.ts";
import type { Operator } from "./operator.ts";
import type { Freeze } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { registrations, SYSTEM_NAMESPACE } from "./server.ts";
import { CERTIFICATE_SECRET } from "./serving.ts";

export interface ChaosOptions {
  cluster: Cluster;
  scheduler: Scheduler;
  random: Random;
  active: ActiveFaults;
  /** Strikes that are left out: the fault and its number, "crashes 2". */
  without: readonly string[];
  operator: Operator;
  admin: KubeApi;
  note(what: string): void;
}

const WEBHOOK_CONFIGURATIONS = [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS];

/** Each watch is a connection of its own, and may be served by another API server than the others. */
const LAGGING = ["", PHYSICAL_HOSTS.plural, CLAIM_REQUESTS.plural, BESKAR7_MACHINES.plural] as const;

/** Makes the faults happen that are not a matter of single messages, each in a rhythm of its own, while they are active. */
export class Chaos {
  readonly #options: ChaosOptions;
  /** What struck, in order. */
  readonly strikes: string[] = [];

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  start(): void {
    this.#often("watch-lag", 8_000, (random) => {
      const plural = random.pick(LAGGING) ?? "";
      this.#member(random).link.lagFor(random.between(1_000, 20_000), random.between(100, 8_000), plural);
    });
    this.#often("watch-breaks", 5_000, (random) => {
      this.#member(random).network.breakWatches(random.chance(0.2));
    });
    this.#often("compactions", 10_000, () => this.#options.cluster.server.compact());
    this.#often("outages", 20_000, (random) => this.#outage(random.between(100, 15_000)));
    this.#often("partitions", 12_000, (random) => {
      const { process, link } = this.#member(random);
      const forMs = random.between(500, 25_000);
      this.#options.note(`${process.name} is cut off for ${Math.round(forMs)} ms`);
      link.cutFor(forMs);
    });
    this.#often("crashes", 10_000, (random) => this.#crash(random));
    this.#often("freezes", 10_000, (random) => {
      const { process } = this.#member(random);
      const kind = random.pick<Freeze>(["stopped", "suspended", "paused"])!;
      const forMs = random.between(500, 40_000);
      this.#options.note(`${process.name} is ${kind} for ${Math.round(forMs)} ms`);
      if (random.chance(0.5)) process.freeze(kind, forMs);
      else process.freezeAtCall(random.integer(1, 8), kind, forMs);
    });
    this.#often("clocks", 8_000, (random) => {
      this.#member(random).process.jumpWall(random.between(-120_000, 120_000));
    });
    this.#often("webhooks", 8_000, (random) => {
      const slot = random.integer(0, this.#options.cluster.replicas.length - 1);
      this.#options.cluster.deafen(slot, random.between(500, 15_000));
    });
    this.#often("lease", 25_000, () => void this.#deleteLease());
    this.#often("certificates", 12_000, (random) => {
      void (random.chance(0.5) ? this.#deleteSecret() : this.#installAnew());
    });
    this.#often("churn", 1_500, () => void this.#options.operator.churn());
  }

  #often(fault: Fault, everyMs: number, strike: (random: Random) => void): void {
    const { random, scheduler, active, without } = this.#options;
    if (!active.has(fault)) return;
    const own = random.fork(`chaos ${fault}`);
    const next = (count: number) => {
      const afterMs = -everyMs * Math.log(1 - own.next());
      const name = `${fault} ${count}`;
      scheduler.after(afterMs, () => {
        if (!active.has(fault)) return;
        // Each from numbers of its own, so that the others stay what they are when one is left out.
        if (!without.includes(name) && active.strike(fault, true)) {
          this.strikes.push(name);
          strike(random.fork(`chaos ${name}`));
        }
        next(count + 1);
      });
    };
    next(1);
  }

  #member(random: Random): Member {
    return random.pick([...this.#options.cluster.members()])!;
  }

  #outage(forMs: number): void {
    const { cluster, scheduler, note } = this.#options;
    note(`the API server is away for ${Math.round(forMs)} ms`);
    cluster.server.down = true;
    for (const { network } of cluster.members()) network.breakWatches(false);
    scheduler.after(forMs, () => {
      cluster.server.down = false;
    });
  }

  #crash(random: Random): void {
    const { cluster, scheduler } = this.#options;
    const slots: [(Member | null)[], (slot: number) => void] = random.chance(0.75)
      ? [cluster.replicas, (slot) => cluster.startReplica(slot, random.chance(0.5))]
      : [cluster.controllers, (slot) => cluster.startController(slot)];
    const [members, restart] = slots;
    const slot = random.integer(0, members.length - 1);
    const process = members[slot]?.process;
    if (process === undefined || !process.alive) return;
    process.onCrash(() =>
      scheduler.after(random.between(100, 20_000), () => {
        if (!members[slot]?.process.alive) restart(slot);
      }),
    );
    if (random.chance(0.3)) process.crash();
    else process.crashAtCall(random.integer(1, 12), random.chance(0.6));
  }

  #deleteLease(): Promise<void> {
    return this.#do("deletes the Lease", (admin) =>
      admin.delete(LEASES, { namespace: SYSTEM_NAMESPACE, name: LEASE_NAME }),
    );
  }

  #deleteSecret(): Promise<void> {
    return this.#do("deletes the certificates", (admin) =>
      admin.delete(SECRETS, { namespace: SYSTEM_NAMESPACE, name: CERTIFICATE_SECRET }),
    );
  }

  /** As whoever applies the manifests again, which know of no authority. */
  #installAnew(): Promise<void> {
    return this.#do("installs the registrations anew", async (admin) => {
      for (const [at, type] of WEBHOOK_CONFIGURATIONS.entries()) {
        const wanted = registrations()[at]!;
        const { metadata } = await admin.get(type, { name: wanted.metadata.name });
        await admin.update(type, { ...wanted, metadata });
      }
    });
  }

  /** Whatever the API server says to it is fine. */
  async #do(what: string, write: (admin: KubeApi) => Promise<unknown>): Promise<void> {
    this.#options.note(what);
    try {
      await write(this.#options.admin);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
    }
  }
}
