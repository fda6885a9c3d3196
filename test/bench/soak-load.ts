import { sleep, systemClock } from "../../src/clock.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { abortable } from "../../src/kube/abortable.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { Beskar7 } from "../../src/workload/beskar7.ts";
import { ObjectHistory } from "../../src/workload/history.ts";
import { Objects } from "../e2e/objects.ts";
import type { PodClient, Rig } from "../e2e/rig.ts";

const NAMESPACE = "soak";
const HOSTS = 20;
/** Machines at one time: more than hosts, so that some always wait. */
const SLOTS = 24;
/** A slot begins anew at most this often, so that the load does not depend on the machine's speed. */
const ROUND_MS = 8_000;
/** So many come first as fast as they go: more than what the service remembers longest (4,096 Events said). */
const WARM_UP_CLAIMS = Number(process.env.SOAK_WARM_UP_CLAIMS ?? "4500");

/** Machines that come, get a host, and go, all the time and each under a new name. */
export class SoakLoad {
  /** Machines that had a host and have given it back. */
  claims = 0;
  readonly #objects: Objects;
  readonly #admin: KubeClient;
  readonly #history: ObjectHistory;
  readonly #end = new AbortController();
  readonly #held = new Map<string, string>();
  readonly #controllers: PodClient[] = [];
  #working: Promise<unknown> = Promise.resolve();
  #made = 0;

  private constructor(objects: Objects, admin: KubeClient) {
    this.#objects = objects;
    this.#admin = admin;
    const options = { api: admin, clock: systemClock, type: PHYSICAL_HOSTS, namespace: NAMESPACE };
    this.#history = new ObjectHistory(options, (_type, object) => {
      const { uid, consumer } = physicalHostProfile.readHost(object);
      this.#held.set(uid, consumer?.name ?? "");
    });
  }

  static async start(rig: Rig): Promise<SoakLoad> {
    const load = new SoakLoad(await Objects.in(rig.admin, NAMESPACE), rig.admin);
    const { signal } = load.#end;
    await load.#history.start(signal);
    for (let nth = 0; nth < HOSTS; nth++) await load.#objects.host(`host-${nth}`, { size: "7KB" });
    for (const pod of ["beskar7-0", "beskar7-1"]) {
      const client = await rig.podClient(pod);
      load.#controllers.push(client);
      const { api } = client;
      const options = { api, clock: systemClock, log: silentLog, random: Math.random };
      await new Beskar7({ ...options, release: "current", namespace: NAMESPACE }).start(signal);
    }
    load.#working = Promise.all(Array.from({ length: SLOTS }, (_, nth) => load.#slot(nth)));
    return load;
  }

  /** Whether what is bounded is full, and the load steady. */
  get warm(): boolean {
    return this.claims >= WARM_UP_CLAIMS;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#working;
    for (const { api } of this.#controllers) api.close();
  }

  async #slot(nth: number): Promise<void> {
    const { signal } = this.#end;
    try {
      let steady = false;
      while (!signal.aborted) {
        if (this.warm && !steady) await sleep(systemClock, (nth * ROUND_MS) / SLOTS, signal);
        steady = this.warm;
        const nextAtMs = systemClock.monotonicMs() + ROUND_MS;
        const name = `machine-${this.#made++}`;
        await this.#objects.machine(name);
        await this.#until(() => this.#has(name));
        await this.#admin.delete(BESKAR7_MACHINES, { namespace: NAMESPACE, name });
        await this.#until(() => !this.#has(name));
        this.claims++;
        const restMs = steady ? nextAtMs - systemClock.monotonicMs() : 0;
        await sleep(systemClock, Math.max(0, restMs), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #has(machine: string): boolean {
    return [...this.#held.values()].includes(machine);
  }

  #until(condition: () => boolean): Promise<void> {
    const { signal } = this.#end;
    return abortable(
      this.#history.until(() => signal.aborted || condition()),
      signal,
    );
  }
}
