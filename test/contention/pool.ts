import assert from "node:assert/strict";
import { type Claim, consumerKey, type Host, poolKey } from "../../src/claims/claim.ts";
import { readBeskar7Machine } from "../../src/hosts/beskar7-machine.ts";
import { isFalseFor, statusOf } from "../../src/hosts/fields.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { holdersOf, safetyViolations } from "../../src/workload/checks.ts";
import type { HostEvent, HostHistory } from "../../src/workload/history.ts";
import { greedy } from "../claims/reference.ts";
import { Objects } from "../e2e/objects.ts";
import { until } from "../e2e/rig.ts";

/** One namespace of an arena: its hosts and machines, what happened to them, and what should have. */
export class Pool {
  readonly objects: Objects;
  readonly #api: KubeClient;
  readonly #history: HostHistory;

  private constructor(objects: Objects, api: KubeClient, history: HostHistory) {
    this.objects = objects;
    this.#api = api;
    this.#history = history;
  }

  static async in(api: KubeClient, history: HostHistory, namespace: string): Promise<Pool> {
    return new Pool(await Objects.in(api, namespace), api, history);
  }

  get namespace(): string {
    return this.objects.namespace;
  }

  get events(): HostEvent[] {
    return this.#history.events.filter(({ host }) => host.namespace === this.namespace);
  }

  get hosts(): Host[] {
    return [...this.#history.hosts()].filter(({ namespace }) => namespace === this.namespace);
  }

  /** The host's inspection ends, or its hardware comes back: it can be claimed. */
  async free(...names: string[]): Promise<void> {
    const body = { status: { state: "Available", ready: true } };
    await Promise.all(
      names.map((name) =>
        this.#api.patch(
          PHYSICAL_HOSTS,
          { namespace: this.namespace, name },
          { type: "merge", body },
          { subresource: "status" },
        ),
      ),
    );
  }

  async label(name: string, labels: Record<string, string | null>): Promise<void> {
    const body = { metadata: { labels } };
    await this.#api.patch(PHYSICAL_HOSTS, { namespace: this.namespace, name }, { type: "merge", body });
  }

  async delete(type: typeof PHYSICAL_HOSTS, name: string): Promise<void> {
    await this.#api.delete(type, { namespace: this.namespace, name });
  }

  async machines(): Promise<KubeObject[]> {
    return (await this.#api.list(BESKAR7_MACHINES, { namespace: this.namespace })).items;
  }

  /** As the machines stand now, whether they wait or not. */
  async claims(): Promise<Claim[]> {
    return (await this.machines()).map(claimOf);
  }

  /** Each of these machines says in its condition that it waits. */
  async untilWaiting(count: number): Promise<void> {
    await until(async () => {
      const waiting = (await this.machines()).filter((machine) =>
        isFalseFor(statusOf(machine).conditions, "PhysicalHostAssociated", ["WaitingForPhysicalHost"]),
      );
      return waiting.length === count;
    });
  }

  /** The ClaimRequests of these machines say so. */
  async untilPhases(phases: Readonly<Record<string, string>>): Promise<void> {
    await until(async () => {
      const now = await Promise.all(Object.keys(phases).map((machine) => this.objects.phaseOf(machine)));
      return now.every((phase, i) => phase === Object.values(phases)[i]);
    });
  }

  /** Name of the host by name of the machine, once that many machines have one. */
  untilBound(count: number): Promise<Map<string, string>> {
    return this.#until((_hosts, machines) => machines.size >= count);
  }

  /** The same once that many hosts have a machine: without this service some machine may have two. */
  untilTaken(count: number): Promise<Map<string, string>> {
    return this.#until((hosts) => hosts.size >= count);
  }

  async #until(
    reached: (hosts: ReadonlyMap<string, Host>, machines: ReadonlyMap<string, number>) => boolean,
  ): Promise<Map<string, string>> {
    const { events } = this.#history;
    const bound = new Map<string, Host>();
    /** How many hosts each machine has. */
    const held = new Map<string, number>();
    const add = (host: Host | undefined, hosts: 1 | -1) => {
      const machine = host?.consumer?.name;
      if (machine === undefined) return;
      const now = (held.get(machine) ?? 0) + hosts;
      if (now === 0) held.delete(machine);
      else held.set(machine, now);
    };
    let read = 0;
    await this.#history.until(() => {
      for (; read < events.length; read++) {
        const { type, host } = events[read]!;
        if (host.namespace !== this.namespace) continue;
        add(bound.get(host.uid), -1);
        bound.delete(host.uid);
        if (type === "DELETED" || host.consumer === null) continue;
        bound.set(host.uid, host);
        add(host, 1);
      }
      return reached(bound, held);
    });
    return new Map([...bound.values()].map(({ consumer, name }) => [consumer?.name ?? "", name]));
  }

  /** Every machine with a host says so: its own controller found it. */
  async untilAssociated(): Promise<void> {
    const holders = holdersOf(this.hosts);
    await until(async () => {
      const machines = (await this.machines()).filter((machine) => holders.has(claimOf(machine).id));
      return machines.every(isAssociated);
    });
  }

  /** Checks the whole history: nothing unsafe ever, and the winners are those who should have won among `claims`. */
  async check(claims: readonly Claim[]): Promise<void> {
    await this.#history.complete();
    assert.deepEqual(safetyViolations(this.events), []);
    const winners = [...holdersOf(this.hosts).keys()].sort();
    assert.deepEqual(winners, [...greedy(claims, this.hosts).keys()].sort());
  }

  async checkSafety(): Promise<void> {
    await this.#history.complete();
    assert.deepEqual(safetyViolations(this.events), []);
  }
}

export function claimOf(object: KubeObject): Claim {
  const machine = readBeskar7Machine(object);
  return {
    id: consumerKey(machine),
    consumer: machine,
    pool: poolKey(PHYSICAL_HOSTS.kind, machine.namespace),
    uid: machine.uid,
    createdAtMs: machine.createdAtMs,
    bonusPoints: machine.bonusPoints,
    requirements: machine.requirements,
  };
}

function isAssociated(machine: KubeObject): boolean {
  const { conditions = [] } = statusOf(machine) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status }) => type === "PhysicalHostAssociated" && status === "True");
}
