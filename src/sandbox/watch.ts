import type { Clock, Timer } from "../clock.ts";
import type { KubeObject, KubeStatus, WatchEvent } from "../kube/api.ts";
import type { ObjectPredicate } from "./selectors.ts";
import { type ApiError, expired } from "./status.ts";
import { type Change, CompactedError, type Store } from "./store.ts";

/** Source: the API server's watch cache sends a bookmark about once a minute, and 2 s before a watch's end. */
const BOOKMARK_INTERVAL_MS = 60_000;
const BOOKMARK_BEFORE_END_MS = 2_000;

/** A watch that has been accepted but not started. */
export interface WatchFeed {
  /** Calls `onEvent` for each event, the first ones at once, and `onEnd` when the server ends the watch. */
  start(onEvent: (event: WatchEvent) => void, onEnd: () => void): { stop(): void };
}

export interface WatchSpec {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly matches: ObjectPredicate;
  /** Changes after this revision are sent; undefined: the present state first, as ADDED events. */
  readonly since: number | undefined;
  /** The streaming list: the present state, then a bookmark that marks its end. */
  readonly sendInitialEvents: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
  /** What the client is to see of an object: its version, or a Table. */
  present(object: KubeObject): KubeObject;
  /** An object of this kind with nothing but the revision. */
  bookmark(revision: number, initialEventsEnd: boolean): KubeObject;
}

export function watchFeed(store: Store, clock: Clock, spec: WatchSpec): WatchFeed {
  return {
    start(onEvent, onEnd) {
      const watch = new Watch(store, clock, spec, onEvent, onEnd);
      watch.open();
      return { stop: () => watch.stop() };
    },
  };
}

class Watch {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #spec: WatchSpec;
  readonly #onEvent: (event: WatchEvent) => void;
  readonly #onEnd: () => void;
  readonly #timers: Timer[] = [];
  #unsubscribe: (() => void) | undefined;

  constructor(
    store: Store,
    clock: Clock,
    spec: WatchSpec,
    onEvent: (event: WatchEvent) => void,
    onEnd: () => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#spec = spec;
    this.#onEvent = onEvent;
    this.#onEnd = onEnd;
  }

  open(): void {
    const { resource, namespace, since, sendInitialEvents, matches, timeoutMs, bookmarks } = this.#spec;
    // Subscribed first: an event handler that writes must not open a gap.
    this.#unsubscribe = this.#store.subscribe(resource, (change) => this.#onChange(change));
    try {
      if (since === undefined || sendInitialEvents) {
        for (const object of this.#store.list(resource, namespace)) {
          if (matches(object)) this.#send("ADDED", object);
        }
      } else for (const change of this.#store.changesSince(since, resource)) this.#onChange(change);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      this.#fail(expired(`too old resource version: ${since} (${error.oldest})`));
      return;
    }
    if (sendInitialEvents && bookmarks) this.#sendBookmark(true);
    if (bookmarks) this.#scheduleBookmarks(timeoutMs);
    this.#timers.push(this.#clock.schedule(timeoutMs, () => this.#end()));
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }

  #scheduleBookmarks(leftMs: number): void {
    const next = Math.min(BOOKMARK_INTERVAL_MS, leftMs - BOOKMARK_BEFORE_END_MS);
    if (next <= 0) return;
    const timer = this.#clock.schedule(next, () => {
      this.#sendBookmark(false);
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      this.#scheduleBookmarks(leftMs - next);
    });
    this.#timers.push(timer);
  }

  #onChange({ type, object, previous }: Change): void {
    const { namespace, matches } = this.#spec;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return;
    const matched = previous !== undefined && matches(previous);
    const matching = type !== "DELETED" && matches(object);
    if (matching) this.#send(matched ? "MODIFIED" : "ADDED", object);
    else if (matched) this.#send("DELETED", this.#departed(object, previous, type === "DELETED"));
  }

  /** An object that left the selector is reported as it last matched, at the revision of its leaving. */
  #departed(object: KubeObject, previous: KubeObject, deleted: boolean): KubeObject {
    if (deleted) return object;
    const { resourceVersion } = object.metadata;
    return {
      ...previous,
      metadata: { ...previous.metadata, ...(resourceVersion ? { resourceVersion } : {}) },
    };
  }

  #send(type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): void {
    if (this.#unsubscribe !== undefined) this.#onEvent({ type, object: this.#spec.present(object) });
  }

  #sendBookmark(initialEventsEnd: boolean): void {
    if (this.#unsubscribe === undefined) return;
    this.#onEvent({ type: "BOOKMARK", object: this.#spec.bookmark(this.#store.revision, initialEventsEnd) });
  }

  #fail(error: ApiError): void {
    this.#onEvent({ type: "ERROR", object: error.status satisfies KubeStatus });
    this.#end();
  }

  #end(): void {
    if (this.#unsubscribe === undefined) return;
    this.stop();
    this.#onEnd();
  }
}
