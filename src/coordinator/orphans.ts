import { consumerKey, type Host } from "../claims/claim.ts";
import type { Clock } from "../clock.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { KubeApi } from "../kube/api.ts";
import { isConflict } from "../kube/errors.ts";
import type { Log } from "../log.ts";
import { isGoneNow, typeOfConsumer } from "./consumer-object.ts";
import type { World } from "./world.ts";

/** A consumer may be made after its host was claimed for it, and mirrors may be apart: so long nobody is an orphan. */
const PATIENCE_MS = 60_000;

export interface OrphansOptions {
  api: KubeApi;
  world: World;
  clock: Clock;
  log: Log;
  profileFor(hostKind: string): HostProfile | undefined;
  profileForMachine(machineKind: string): HostProfile | undefined;
  /** --release-orphaned-hosts */
  release: boolean;
  onOrphan(host: Host): void;
}

/**
 * Hosts that name a machine, or a request that stood for itself, which does not exist: reported always, released only
 * where a person asked for it.
 */
export class Orphans {
  readonly #options: OrphansOptions;
  /** By uid of the host: whose it is, and since when that consumer has been gone. */
  readonly #since = new Map<string, { consumer: string; atMs: number }>();

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** Those that have been orphans long enough, as of the last look. */
  *current(): Iterable<Host> {
    const { world, clock } = this.#options;
    for (const [uid, { consumer, atMs }] of this.#since) {
      const host = world.host(uid);
      if (host !== undefined && holderOf(host) === consumer && clock.monotonicMs() - atMs >= PATIENCE_MS)
        yield host;
    }
  }

  /** One look at every host; `responsible` replicas report and release. Never rejects. */
  async look(responsible: boolean): Promise<void> {
    const { world, clock, onOrphan, release } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const uid of this.#since.keys()) if (!this.#isOrphan(world.host(uid))) this.#since.delete(uid);
    for (const host of world.hosts()) {
      const consumer = holderOf(host);
      if (this.#isOrphan(host) && this.#since.get(host.uid)?.consumer !== consumer)
        this.#since.set(host.uid, { consumer, atMs: nowMs });
    }
    if (!responsible) return;
    for (const host of [...this.current()]) {
      onOrphan(host);
      if (release) await this.#release(host);
    }
  }

  #isOrphan(host: Host | undefined): boolean {
    return host?.consumer != null && this.#options.world.isGone(host.consumer);
  }

  async #release(host: Host): Promise<void> {
    const { api, world, log, profileFor, profileForMachine } = this.#options;
    const { consumer } = host;
    const profile = profileFor(host.kind);
    const type = consumer === null ? undefined : typeOfConsumer(consumer, profileForMachine);
    if (consumer === null || profile === undefined || type === undefined) return;
    try {
      if (!(await isGoneNow(api, type, consumer))) return;
      const patch = { type: "merge", body: profile.releasePatch(host) } as const;
      const key = { namespace: host.namespace, name: host.name };
      world.setHost(profile.readHost(await api.patch(profile.hostType, key, patch)));
      log.warn(
        { host: `${host.namespace}/${host.name}`, consumer: consumer.name },
        "Released an orphaned host",
      );
    } catch (error) {
      // A conflict: it changed meanwhile, and the next look sees what it is now.
      if (!isConflict(error))
        log.warn({ err: error, host: host.name }, "An orphaned host could not be released");
    }
  }
}

/** Another object of the same name is another consumer. */
function holderOf({ consumer }: Host): string {
  return consumer === null ? "" : `${consumerKey(consumer)} ${consumer.uid}`;
}
