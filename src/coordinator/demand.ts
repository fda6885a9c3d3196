import type { Clock } from "../clock.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { Log } from "../log.ts";
import type { Recorder } from "./recorder.ts";
import { WorkQueue } from "./workqueue.ts";
import type { World } from "./world.ts";

/** Few at a time: nobody waits for these writes, and bindings share the API server with them. */
const PARALLELISM = 4;

export interface DemandOptions {
  world: World;
  recorder: Recorder;
  clock: Clock;
  log: Log;
  random: () => number;
  profileForMachine(machineKind: string): HostProfile | undefined;
  /** Whether this replica leads: one makes these requests, not all. */
  leads(): boolean;
}

/**
 * Gives machines that say themselves that they wait their place in `kubectl get claimreq`, ahead of the host: one
 * write less between a free host and its machine. Such a request ends with the machine's word.
 */
export class Demand {
  readonly #options: DemandOptions;
  readonly #work: WorkQueue;

  constructor(options: DemandOptions) {
    this.#options = options;
    const { clock, random, log } = options;
    this.#work = new WorkQueue({
      clock,
      random,
      parallelism: PARALLELISM,
      reconcile: (key, signal) => this.#record(key, signal),
      onError: (key, error) =>
        log.warn({ err: error, consumer: key }, "A waiting machine could not be recorded"),
    });
  }

  start(signal: AbortSignal): void {
    this.#work.start(signal);
  }

  /** Something about this consumer has changed. */
  consider(key: string): void {
    if (this.#options.leads() && this.#isUnrecorded(key)) this.#work.add(key);
  }

  /** Looks at all of them: on taking the Lease. */
  resync(): void {
    for (const [key] of this.#options.world.consumers()) this.consider(key);
  }

  #isUnrecorded(key: string): boolean {
    const { world } = this.#options;
    const facts = world.consumer(key);
    return (
      facts !== undefined && facts.machine !== null && facts.request === null && world.demand(facts).waits
    );
  }

  async #record(key: string, signal: AbortSignal): Promise<undefined> {
    const { world, recorder, profileForMachine, leads } = this.#options;
    const machine = world.consumer(key)?.machine ?? null;
    if (machine === null || !leads() || !this.#isUnrecorded(key)) return;
    const profile = profileForMachine(machine.kind);
    if (profile === undefined) return;
    const { apiVersion, kind, namespace, name, uid } = machine;
    const applicant = {
      consumer: { apiVersion, kind, namespace, name, uid },
      consumerRef: profile.machineReference(machine),
      hostKind: profile.hostType.kind,
      namespace,
      byMachine: true,
    };
    await recorder.add(applicant, { signal });
  }
}
