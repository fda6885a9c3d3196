import { type Claim, type Host, poolKey } from "../claims/claim.ts";
import { requirementsKey } from "../claims/pool.ts";
import { fit, fits } from "../claims/requirements.ts";
import type { World } from "../coordinator/world.ts";

/**
 * Why claims that wait have no host, in words. Of one moment: make a new one after the world has changed. Claims that
 * ask for the same share one answer, so that a long queue of few kinds costs little.
 */
export class WaitingReasons {
  readonly #world: World;
  /** Hosts by pool; of the pools that were asked about. */
  readonly #pools = new Map<string, readonly Host[]>();
  readonly #answers = new Map<string, string>();
  readonly #nextHosts = new Map<string, Host>();

  constructor(world: World) {
    this.#world = world;
    for (const { claim, hostUid } of world.queue.place()) {
      const host = world.host(hostUid);
      if (host !== undefined) this.#nextHosts.set(claim.id, host);
    }
  }

  /** The free host that this waiting claim is given as things are now; undefined while there is none for it. */
  nextHost(claim: Claim): Host | undefined {
    return this.#nextHosts.get(claim.id);
  }

  why(claim: Claim): string {
    const next = this.nextHost(claim);
    if (next !== undefined) return `host ${next.name} is free for it`;
    const key = `${claim.pool} ${requirementsKey(claim.requirements)}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#withoutHost(claim);
      this.#answers.set(key, answer);
    }
    return answer;
  }

  /** All hosts of a pool, free or not, by name. */
  hostsOf(pool: string): readonly Host[] {
    let hosts = this.#pools.get(pool);
    if (hosts === undefined) {
      hosts = [...this.#world.hosts()]
        .filter((host) => poolKey(host.kind, host.namespace) === pool)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#pools.set(pool, hosts);
    }
    return hosts;
  }

  #withoutHost({ pool, requirements }: Claim): string {
    const hosts = this.hostsOf(pool);
    if (hosts.length === 0) return "there is no host in its pool";
    const fitting = hosts.filter((host) => fits(requirements, host));
    if (fitting.length === 0) return `no host fits, free or not (${commonest(hosts, requirements)})`;
    const isFree = (host: Host) => this.#world.queue.hasHost(host.uid);
    const spare = fitting.filter(isFree).length;
    if (spare > 0)
      return `claims ahead of it need the ${spare === 1 ? "" : `${spare} `}free ${hostsThatFit(spare)}`;
    const free = hosts.filter(isFree);
    return free.length === 0 ? "no host is free" : `no free host fits (${commonest(free, requirements)})`;
  }
}

const hostsThatFit = (count: number) => (count === 1 ? "host that fits" : "hosts that fit");

/** The obstacle that most of the hosts share. */
function commonest(hosts: readonly Host[], requirements: Claim["requirements"]): string {
  const counts = new Map<string, number>();
  for (const host of hosts) {
    for (const reason of fit(requirements, host).reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  let most: [reason: string, count: number] = ["", 0];
  for (const entry of counts) if (entry[1] > most[1]) most = entry;
  const [reason, count] = most;
  return hosts.length === 1 ? reason : `${count} of ${hosts.length}: ${reason}`;
}
