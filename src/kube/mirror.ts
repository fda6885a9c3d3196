import { sleep, type Timer } from "../clock.ts";
import type { Log } from "../log.ts";
import { abortable } from "./abortable.ts";
import type { KubeObject } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { isForbidden, isGone, isNotFound } from "./errors.ts";
import { needsList, watchWhileAlive } from "./live-watch.ts";
import type { MirrorOptions, MirrorState } from "./mirror-options.ts";
import { type ListInProgress, MirrorStore } from "./mirror-store.ts";
import { includes } from "./resource-version.ts";

export type { MirrorOptions, MirrorState } from "./mirror-options.ts";
export { type MirrorChange, mirrorKey } from "./mirror-store.ts";

/** An event that happened is here within this; what takes longer won't come by the watch. */
const PATIENCE_MS = 250;
/** Described with MirrorOptions.pageSize. */
const DEFAULT_PAGE_SIZE = 200;
/** A missing CRD is looked for again after this, and with a quarter of jitter. */
const ABSENT_RETRY_MS = 10_000;
/**
 * A copy of one resource type, kept current by list and watch through whatever happens to the connection and to
 * the server: every state that lasts long enough is seen, in order, and none is told twice.
 */
export class Mirror<T> {
  readonly #options: MirrorOptions<T>;
  readonly #store: MirrorStore<T>;
  readonly #backoff: Backoff;
  readonly #waiters = new Set<() => void>();
  readonly #log: Log;
  #lifetime: AbortSignal | undefined;
  #listing: Promise<void> = Promise.resolve();
  #nextListing: Promise<void> | undefined;
  #mustList = true;
  #watchAbort: AbortController | undefined;
  #relistTimer: Timer | undefined;
  #state: MirrorState = "starting";
  #synced = false;
  /** Since the watch was last open; only the first failure is worth a line. */
  #failing = false;
  #currentAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MirrorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#log = options.log.child({ resource: `${options.type.plural}.${options.type.group}` });
    this.#store = new MirrorStore(
      (object) => this.#guard("project", null, () => options.project(object)),
      (change) => this.#guard("onChange", undefined, () => options.onChange?.(change)),
      options.batch,
      () => this.#guard("onRewound", undefined, () => options.onRewound?.()),
    );
  }

  /** Begins to follow, until `signal` is aborted. Once in a mirror's life. */
  start(signal: AbortSignal): void {
    if (this.#lifetime !== undefined) throw new Error("a mirror is started once");
    this.#lifetime = signal;
    signal.addEventListener("abort", () => this.#relistTimer?.cancel(), { once: true });
    void this.#run(signal);
  }

  get state(): MirrorState {
    return this.#state;
  }

  /** Whether a whole list has arrived (or the resource is known to be absent); never false again. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves when synced; rejects with the signal's reason when it is aborted first. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    await this.#until(() => this.#synced, signal);
  }

  /**
   * Milliseconds since the API server last proved that this mirror was current: by a list (counted from when it
   * was asked for), an event, a bookmark, or a watch that it ended as agreed. Up to `silentMs` on a healthy
   * connection where nothing happens; Infinity before the first list.
   */
  staleMs(): number {
    return this.#options.clock.monotonicMs() - this.#currentAtMs;
  }

  /** Everything up to here has been seen; "" before the first list, and where the resource is absent. */
  get resourceVersion(): string {
    return this.#store.resourceVersion;
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  values(): IterableIterator<T> {
    return this.#store.values();
  }

  entries(): IterableIterator<[key: string, value: T]> {
    return this.#store.entries();
  }

  /**
   * Whether this resourceVersion, of an object or list of this resource, or a later one has been seen: true as
   * soon as it has, false when `signal` is aborted first. Another mirror's version may be that of a bookmark,
   * which no event will ever bring here: when the watch doesn't, a list does.
   */
  async caughtUpTo(resourceVersion: string, signal: AbortSignal): Promise<boolean> {
    const caughtUp = () => includes(this.resourceVersion, resourceVersion);
    if (caughtUp()) return true;
    const timer = this.#options.clock.schedule(PATIENCE_MS, () => {
      this.refresh(signal).catch((error) => this.#log.debug({ err: error }, "List to catch up failed"));
    });
    try {
      await this.#until(caughtUp, signal);
      return true;
    } catch {
      return false;
    } finally {
      timer.cancel();
    }
  }

  /**
   * Lists now, consistently, and resolves when the mirror is at least as new as the moment of this call. Rejects
   * with the KubeError of the list, or with the signal's reason.
   */
  refresh(signal?: AbortSignal): Promise<void> {
    // A list that is under way may have been answered before this call; the one after it serves all who wait.
    this.#nextListing ??= this.#listing
      .catch(() => {})
      .then(() => {
        this.#nextListing = undefined;
        this.#listing = this.#list();
        return this.#listing;
      });
    return abortable(this.#nextListing, signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.refresh(signal);
        if (this.#state === "absent") {
          await sleep(this.#options.clock, ABSENT_RETRY_MS * this.#between(0.75, 1.25), signal);
        } else {
          await this.#watch(signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#onFailure(error);
        await sleep(this.#options.clock, this.#backoff.afterMs(error), signal).catch(() => {});
      }
    }
  }

  async #list(): Promise<void> {
    const { api, type, clock, pageSize = DEFAULT_PAGE_SIZE } = this.#options;
    const signal = this.#lifetime;
    const askedAtMs = clock.monotonicMs();
    const list: ListInProgress = this.#store.beginList();
    let next: string | undefined;
    let resourceVersion = "";
    try {
      do {
        const page = await api.list(type, {
          ...this.#selection(),
          limit: pageSize,
          ...(next !== undefined && { continue: next }),
          ...(signal !== undefined && { signal }),
        });
        resourceVersion ||= page.metadata.resourceVersion;
        for (const item of page.items) list.add(item, resourceVersion);
        next = page.metadata.continue || undefined;
      } while (next !== undefined);
    } catch (error) {
      list.abandon();
      if (!isNotFound(error)) throw error;
      this.#onAbsent(askedAtMs);
      return;
    }
    const { rewound } = list.finish(resourceVersion);
    this.#guard("onListed", undefined, () => this.#options.onListed?.());
    if (rewound) {
      this.#log.warn({ resourceVersion }, "The API server's history went back; everything was listed anew");
      this.#watchAbort?.abort();
    }
    if (this.#state === "absent") this.#log.info({}, "Resource appeared");
    if (this.#state === "absent" || this.#state === "starting") this.#state = "interrupted";
    this.#onListed(askedAtMs);
  }

  #onAbsent(askedAtMs: number): void {
    if (this.#state !== "absent")
      this.#log.warn({}, "Resource is not served; looking for it from time to time");
    this.#state = "absent";
    this.#store.clear();
    this.#watchAbort?.abort();
    this.#onListed(askedAtMs);
    // There is nothing to watch.
    this.#mustList = true;
  }

  #onListed(askedAtMs: number): void {
    this.#mustList = false;
    this.#provenCurrent(askedAtMs);
    this.#relistTimer?.cancel();
    const relistMs = (this.#options.relistMs ?? 600_000) * this.#between(0.9, 1.1);
    this.#relistTimer = this.#options.clock.schedule(relistMs, () => {
      if (this.#lifetime?.aborted || this.#mustList) return;
      this.refresh().catch((error) => {
        this.#log.debug({ err: error }, "Periodic list failed");
        this.#mustList = true;
        this.#watchAbort?.abort();
      });
    });
    if (this.#lifetime?.aborted) this.#relistTimer.cancel();
    if (this.#synced) return;
    this.#synced = true;
    this.#guard("onSynced", undefined, () => this.#options.onSynced?.());
    this.#wake();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { silentMs = 60_000 } = this.#options;
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#watchAbort = abort;
    try {
      const end = await watchWhileAlive({
        ...this.#selection(),
        api: this.#options.api,
        type: this.#options.type,
        clock: this.#options.clock,
        silentMs,
        resourceVersion: this.resourceVersion,
        timeoutSeconds: Math.max(1, Math.floor((silentMs / 1_000) * this.#between(0.5, 0.9))),
        signal: abort.signal,
        onOpen: () => this.#onFollowing(),
        onEvent: (type, object) => {
          this.#onFollowing();
          this.#apply(type, object);
          this.#provenCurrent(this.#options.clock.monotonicMs());
        },
      });
      // Ended as agreed: all that happened until now has been told.
      if (end === "ended") this.#provenCurrent(this.#options.clock.monotonicMs());
      if (end === "silent") this.#log.warn({ silentMs }, "Watch went silent; opening another");
    } catch (error) {
      // Aborted by ourselves, since a list found that it watches a past that is over: go on at once.
      if (signal.aborted || !abort.signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#watchAbort = undefined;
    }
  }

  #selection() {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }

  #apply(type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", object: KubeObject): void {
    if (type === "BOOKMARK") this.#store.advanceTo(object.metadata.resourceVersion ?? "");
    else this.#store.applyEvent(type === "DELETED", object);
  }

  #onFollowing(): void {
    this.#backoff.reset();
    if (this.#state === "following") return;
    this.#log.info({ resourceVersion: this.resourceVersion, size: this.size }, "Following resource");
    this.#state = "following";
    this.#failing = false;
  }

  #onFailure(error: unknown): void {
    if (needsList(error)) this.#mustList = true;
    const state = isForbidden(error) ? "forbidden" : this.#synced ? "interrupted" : "starting";
    const fields = { err: error, state };
    if (state === "forbidden" && this.#state !== "forbidden") {
      this.#log.error(fields, "Not allowed to list or watch; check this service's RBAC");
    } else if (!this.#failing && !isGone(error)) {
      this.#log.warn(fields, "List or watch failed; trying again until it works");
    } else {
      this.#log.debug(fields, "List or watch failed");
    }
    this.#failing = true;
    this.#state = state;
  }

  #provenCurrent(atMs: number): void {
    this.#currentAtMs = Math.max(this.#currentAtMs, atMs);
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  #until(condition: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    if (condition()) return Promise.resolve();
    let waiter: () => void = () => {};
    const met = new Promise<void>((resolve) => {
      waiter = () => {
        if (condition()) resolve();
      };
      this.#waiters.add(waiter);
    });
    return abortable(met, signal).finally(() => this.#waiters.delete(waiter));
  }

  #between(low: number, high: number): number {
    return low + (high - low) * this.#options.random();
  }

  /** What others hand in must not end the following, whatever they do. */
  #guard<R>(what: string, otherwise: R, run: () => R): R {
    try {
      return run();
    } catch (error) {
      this.#log.error({ err: error, callback: what }, "A mirror's callback failed");
      return otherwise;
    }
  }
}
