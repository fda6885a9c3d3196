import type { Host } from "../claims/claim.ts";
import { type Clock, sleep } from "../clock.ts";
import type { KubeApi, KubeList, KubeObject, ResourceType } from "../kube/api.ts";
import { isRetriable } from "../kube/errors.ts";
import { needsList, watchWhileAlive } from "../kube/live-watch.ts";
import { includes } from "../kube/resource-version.ts";

/** One version of one object, as the API server told it to every watcher. */
export interface VersionEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** When it arrived here, on the monotonic clock. */
  readonly atMs: number;
}

/** One version of one host. */
export interface HostEvent extends VersionEvent {
  readonly host: Host;
}

export interface HistoryOptions {
  api: KubeApi;
  clock: Clock;
  type: ResourceType;
  /** Absent: all namespaces. */
  namespace?: string;
}

/** A watch that breaks is taken up again after this, at the version where it broke. */
const RETRY_MS = 100;
const SILENT_MS = 60_000;

/**
 * Every version of every object of a type, in the API server's order and without gaps: unlike a mirror it never lists
 * twice, so that nothing which happened can be missed.
 */
export class ObjectHistory {
  readonly #options: HistoryOptions;
  readonly #tell: (type: VersionEvent["type"], object: KubeObject, atMs: number) => void;
  /** By uid. */
  readonly #newest = new Map<string, { resourceVersion: string; deleted: boolean }>();
  readonly #listeners = new Set<() => void>();
  #resourceVersion = "";
  #failure: unknown;

  /** `tell` is called with each version, those that exist at the start included. */
  constructor(
    options: HistoryOptions,
    tell: (type: VersionEvent["type"], object: KubeObject, atMs: number) => void,
  ) {
    this.#options = options;
    this.#tell = tell;
  }

  /** Resolves when the objects that exist already are in; follows until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const { metadata, items } = await this.#list(signal);
    this.#resourceVersion = metadata.resourceVersion;
    for (const item of items) this.#add("ADDED", item);
    void this.#follow(signal).catch((error) => {
      if (signal.aborted) return;
      this.#failure = error;
      this.#wake();
    });
  }

  /** Resolves when `condition` is true after some event; rejects when the history has a gap. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#failure === undefined && !condition()) return;
        this.#listeners.delete(look);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Resolves when everything that had happened when this was called is in. */
  async complete(): Promise<void> {
    const { metadata, items } = await this.#list();
    const stored = new Map(
      items.map((item) => [item.metadata.uid ?? "", item.metadata.resourceVersion ?? ""]),
    );
    await this.until(() => {
      for (const [uid, version] of stored) {
        const newest = this.#newest.get(uid);
        if (newest === undefined || !includes(newest.resourceVersion, version)) return false;
      }
      // What is older than the list and not in it has been deleted.
      for (const [uid, { resourceVersion, deleted }] of this.#newest) {
        if (!deleted && !stored.has(uid) && includes(metadata.resourceVersion, resourceVersion)) return false;
      }
      return true;
    });
  }

  async #list(signal?: AbortSignal): Promise<KubeList> {
    const { api, clock, type, namespace } = this.#options;
    const where = namespace === undefined ? {} : { namespace };
    for (;;) {
      try {
        return await api.list(type, where);
      } catch (error) {
        // A server that has just started, or whose definitions are new, asks for patience.
        if (!isRetriable(error)) throw error;
        await sleep(clock, RETRY_MS, signal);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { api, clock, type, namespace } = this.#options;
    while (!signal.aborted) {
      try {
        await watchWhileAlive({
          api,
          clock,
          type,
          ...(namespace !== undefined && { namespace }),
          silentMs: SILENT_MS,
          timeoutSeconds: SILENT_MS / 2_000,
          resourceVersion: this.#resourceVersion,
          signal,
          onOpen() {},
          onEvent: (kind, object) => {
            this.#resourceVersion = object.metadata.resourceVersion ?? "";
            if (kind !== "BOOKMARK") this.#add(kind, object);
          },
        });
      } catch (error) {
        // The version is no longer in the server's history: what came after it can't be known.
        if (needsList(error)) throw error;
        await sleep(clock, RETRY_MS, signal);
      }
    }
  }

  #add(type: VersionEvent["type"], object: KubeObject): void {
    const { uid = "", resourceVersion = "" } = object.metadata;
    this.#newest.set(uid, { resourceVersion, deleted: type === "DELETED" });
    this.#tell(type, object, this.#options.clock.monotonicMs());
    this.#wake();
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The history of hosts. Checks and figures are drawn from it. */
export class HostHistory {
  readonly events: HostEvent[] = [];
  readonly #history: ObjectHistory;
  readonly #newest = new Map<string, Host>();

  constructor({ readHost, ...options }: HistoryOptions & { readHost(object: KubeObject): Host }) {
    this.#history = new ObjectHistory(options, (type, object, atMs) => {
      const host = readHost(object);
      this.events.push({ type, host, atMs });
      if (type === "DELETED") this.#newest.delete(host.uid);
      else this.#newest.set(host.uid, host);
    });
  }

  /** Resolves when the hosts that exist already are in; follows until the signal is aborted. */
  start(signal: AbortSignal): Promise<void> {
    return this.#history.start(signal);
  }

  /** The newest version of each host that exists. */
  hosts(): IterableIterator<Host> {
    return this.#newest.values();
  }

  /** Resolves when `condition` is true after some event; rejects when the history has a gap. */
  until(condition: () => boolean): Promise<void> {
    return this.#history.until(condition);
  }

  /** Resolves when everything that had happened when this was called is in. */
  complete(): Promise<void> {
    return this.#history.complete();
  }
}
