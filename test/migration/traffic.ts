import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { isConflict } from "../../src/kube/errors.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { safetyViolations } from "../../src/workload/checks.ts";
import { HostHistory } from "../../src/workload/history.ts";
import { Objects } from "../e2e/objects.ts";
import { apiFor, LEASE_NAMESPACE, type PodClient } from "../e2e/rig.ts";
import type { Stage } from "./stage.ts";

const HOSTS = 4;
const MACHINES = 7;
const PAUSE_MS = 20;
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/**
 * Controllers that contend without an end: each claims for every machine, from a cache of its own that may be behind,
 * and machines go and come, so that hosts are released and claimed again. There are always more machines than hosts.
 */
export class Traffic {
  readonly objects: Objects;
  /** Claims that were refused in another way than a controller expects, in the API server's words. */
  readonly failures: string[] = [];
  readonly #stage: Stage;
  readonly #history: HostHistory;
  /** Those that controllers claim for, the oldest first. */
  readonly #machines = new Set<string>();
  /** Those that may have a host, from before they are made. */
  readonly #existing = new Set<string>();
  readonly #end = new AbortController();
  readonly #controllers: { client: PodClient; running: Promise<void>; end: AbortController }[] = [];
  #turnover: Promise<void> = Promise.resolve();
  #paused: Promise<void> | null = null;
  #busy = 0;
  #made = 0;

  private constructor(stage: Stage, objects: Objects) {
    this.#stage = stage;
    this.objects = objects;
    this.#history = new HostHistory({
      api: stage.admin,
      clock: systemClock,
      type: PHYSICAL_HOSTS,
      namespace: objects.namespace,
      readHost: physicalHostProfile.readHost,
    });
  }

  static async start(stage: Stage, namespace: string): Promise<Traffic> {
    const traffic = new Traffic(stage, await Objects.in(stage.admin, namespace));
    await traffic.#history.start(traffic.#end.signal);
    for (let i = 0; i < HOSTS; i++) await traffic.objects.host(`host-${i}`);
    for (let i = 0; i < MACHINES; i++) await traffic.#newMachine();
    traffic.#turnover = traffic.#turnOver();
    return traffic;
  }

  async addController(): Promise<void> {
    const pod = `controller-${this.#controllers.length}`;
    const token = await this.#stage.plane.podToken(LEASE_NAMESPACE, "beskar7", pod);
    const client = { pod, token, api: apiFor(this.#stage.plane.kubeconfig({ token })) };
    const end = new AbortController();
    this.#controllers.push({ client, end, running: this.#control(client, end.signal) });
  }

  async removeController(): Promise<void> {
    const last = this.#controllers.pop();
    last?.end.abort();
    await last?.running;
    last?.client.api.close();
  }

  get controllers(): number {
    return this.#controllers.length;
  }

  /** Of a controller, to claim with by hand. */
  get client(): PodClient {
    return this.#controllers[0]!.client;
  }

  /** Machine by host, as the API server has them now. */
  async holdings(): Promise<Map<string, string>> {
    return new Map((await this.objects.holdings()).map(({ host, consumer }) => [host, consumer]));
  }

  /** Resolves when this many more claims have been stored, whoever made them. */
  async claims(more: number): Promise<void> {
    const from = this.#fulfilled();
    await this.#history.until(() => this.#fulfilled() >= from + more);
  }

  /** The newest host that was claimed after this was called. */
  async nextClaimed(): Promise<KubeObject> {
    const { events } = this.#history;
    for (;;) {
      let read = events.length;
      let name = "";
      await this.#history.until(() => {
        for (; read < events.length; read++)
          if (events[read]!.host.consumer !== null) name = events[read]!.host.name;
        return name !== "";
      });
      const host = await this.objects.getHost(name);
      if (physicalHostProfile.readHost(host).consumer !== null) return host;
    }
  }

  /** Holds the controllers and the comings and goings while `during` runs; nothing of theirs is under way. */
  async quiet<T>(during: () => Promise<T>): Promise<T> {
    const gate = Promise.withResolvers<void>();
    this.#paused = gate.promise;
    while (this.#busy > 0) await pause();
    try {
      return await during();
    } finally {
      this.#paused = null;
      gate.resolve();
    }
  }

  /** No host ever went from one machine to another without a release, no machine had two, nothing failed. */
  async check(): Promise<void> {
    await this.#history.complete();
    assert.deepEqual(safetyViolations(this.#history.events), []);
    assert.deepEqual(this.failures, []);
  }

  async stop(): Promise<void> {
    this.#end.abort();
    while (this.#controllers.length > 0) await this.removeController();
    await this.#turnover;
  }

  #fulfilled(): number {
    const before = new Map<string, string>();
    let count = 0;
    for (const { type, host } of this.#history.events) {
      const consumer = type === "DELETED" ? "" : (host.consumer?.name ?? "");
      if (consumer !== "" && (before.get(host.uid) ?? "") === "") count++;
      before.set(host.uid, consumer);
    }
    return count;
  }

  async #working<T>(work: () => Promise<T>): Promise<T> {
    while (this.#paused !== null) await this.#paused;
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  async #control({ api }: PodClient, signal: AbortSignal): Promise<void> {
    /** What this controller wrote itself, until its cache shows it. */
    const own = new Map<string, string>();
    const held = (machine: string) =>
      [...this.#history.hosts()].some(({ consumer }) => consumer?.name === machine);
    while (!signal.aborted) {
      for (const machine of this.#machines) {
        if (own.has(machine) && held(machine)) own.delete(machine);
        if (own.has(machine) || held(machine)) continue;
        const free = [...this.#history.hosts()].filter(({ consumer }) => consumer === null);
        const host = free[Math.floor(Math.random() * free.length)];
        if (host === undefined) break;
        const { name, resourceVersion } = host;
        const seen = { metadata: { name, resourceVersion } } as KubeObject;
        await this.#working(() => this.objects.claim(api, seen, machine)).then(
          () => own.set(machine, name),
          (error) => {
            if (!isConflict(error)) this.failures.push(String(error));
          },
        );
      }
      await pause();
    }
  }

  /** The oldest machine that has a host goes, and another one comes. */
  async #turnOver(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const held = [...this.#history.hosts()].filter(({ consumer }) => consumer !== null);
      // A claim of a machine that went meanwhile; Beskar7 would find its host by an annotation and release it.
      const ghost = held.find(({ consumer }) => !this.#existing.has(consumer?.name ?? ""));
      if (ghost !== undefined) {
        await this.#working(() => this.objects.release(this.#stage.admin, ghost.name));
        await this.#history.complete();
      }
      const oldest = [...this.#machines].find((machine) =>
        held.some(({ consumer }) => consumer?.name === machine),
      );
      if (oldest !== undefined) await this.#working(() => this.#retire(oldest));
      await pause();
    }
  }

  async #retire(machine: string): Promise<void> {
    this.#machines.delete(machine);
    this.#existing.delete(machine);
    const key = { namespace: this.objects.namespace, name: machine };
    const { admin } = this.#stage;
    await admin.delete(BESKAR7_MACHINES, key);
    for (const host of await this.objects.hostsOf(machine)) await this.objects.release(admin, host);
    await admin.patch(BESKAR7_MACHINES, key, { type: "merge", body: { metadata: { finalizers: null } } });
    await this.#newMachine();
  }

  async #newMachine(): Promise<void> {
    const name = `machine-${this.#made++}`;
    this.#existing.add(name);
    await this.objects.machine(name, { waiting: true });
    this.#machines.add(name);
  }
}
