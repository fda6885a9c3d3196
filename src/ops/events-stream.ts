import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../clock.ts";
import type { Views } from "../queue/views.ts";

/** Shortest pause between two overviews; people don't read faster. */
const PAUSE_MS = 1_000;
/** Computing overviews takes at most this share of the time: the reviews of claims run on the same thread. */
const LARGEST_SHARE = 0.05;
/** Proxies close connections that say nothing; the shortest common limit is 30 s. */
const HEARTBEAT_MS = 15_000;
/** A reader that has not taken what it was sent for so long is dropped. */
const PATIENCE_MS = 10_000;
/** After that a reader comes again, and its rights are looked at again. */
const LIFE_MS = 600_000;
const MAX_STREAMS = 64;
/** Fields that a reader can carry on by itself: they follow from the time and `createdAt`. */
const TIMELY: ReadonlySet<string> = new Set(["at", "ageSeconds", "priority"]);

export interface OverviewStreamsOptions {
  readonly views: Pick<Views, "overview">;
  readonly clock: Clock;
  /** Ends every stream; a server that waits for its last answer would wait for them. */
  readonly signal: AbortSignal;
}

interface Reader {
  readonly response: ServerResponse;
  readonly namespace: string | null;
  readonly limit: number;
  readonly openedMs: number;
  /** Since when its connection takes no more; null while it does. */
  fullSinceMs: number | null;
  /** Edition.content of what it was sent last. */
  knows: string;
  lastSentMs: number;
}

/** One overview, made once for all who see the same. */
interface Edition {
  readonly text: string;
  /** The same without what time alone changes: equal when there is nothing new. */
  readonly content: string;
}

/**
 * Server-sent events: each is a whole overview ("event: overview", JSON), sent when something has changed. Whoever
 * reads slowly misses some and loses nothing; at most one overview waits in memory for each reader.
 */
export class OverviewStreams {
  readonly #options: OverviewStreamsOptions;
  readonly #readers = new Set<Reader>();
  #timer: Timer | null = null;
  #dirty = false;

  constructor(options: OverviewStreamsOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#endAll(), { once: true });
  }

  /** How many are open. */
  get size(): number {
    return this.#readers.size;
  }

  /** Something that an overview shows may have changed. Cheap: called for every change of the world. */
  changed(): void {
    this.#dirty = true;
  }

  /** Takes the response over and sends a first overview at once; false when there are too many, or it is over. */
  open(response: ServerResponse, namespace: string | null, limit: number): boolean {
    const { clock, signal } = this.#options;
    if (signal.aborted || this.#readers.size >= MAX_STREAMS) return false;
    const nowMs = clock.monotonicMs();
    const reader: Reader = {
      response,
      namespace,
      limit,
      openedMs: nowMs,
      fullSinceMs: null,
      knows: "",
      lastSentMs: nowMs,
    };
    this.#readers.add(reader);
    response.once("close", () => this.#readers.delete(reader));
    // Without a listener a broken connection would end the process.
    response.on("error", () => response.destroy());
    response.on("drain", () => {
      reader.fullSinceMs = null;
    });
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "X-Accel-Buffering": "no",
    });
    this.#send(reader, this.#edition(reader));
    this.#timer ??= clock.schedule(PAUSE_MS, () => this.#tick());
    return true;
  }

  #tick(): void {
    const { clock } = this.#options;
    this.#timer = null;
    if (this.#readers.size === 0) return;
    const startedMs = clock.monotonicMs();
    const dirty = this.#dirty;
    this.#dirty = false;
    const editions = new Map<string, Edition>();
    for (const reader of this.#readers) {
      if (this.#isOver(reader, startedMs)) continue;
      if (reader.fullSinceMs !== null) {
        // It gets a later one: that it missed this must not be forgotten.
        this.#dirty ||= dirty;
        continue;
      }
      const quiet = startedMs - reader.lastSentMs >= HEARTBEAT_MS;
      // What nobody announced (a certificate renewed, readiness) is found at the latest with a heartbeat.
      if (dirty || quiet) {
        const key = `${reader.limit} ${reader.namespace}`;
        const edition = editions.get(key) ?? this.#edition(reader);
        editions.set(key, edition);
        if (edition.content !== reader.knows) this.#send(reader, edition);
        else if (quiet) this.#write(reader, ": nothing new\n\n");
      }
    }
    const tookMs = clock.monotonicMs() - startedMs;
    this.#timer = clock.schedule(Math.max(PAUSE_MS, tookMs / LARGEST_SHARE), () => this.#tick());
  }

  #isOver(reader: Reader, nowMs: number): boolean {
    if (reader.fullSinceMs !== null && nowMs - reader.fullSinceMs >= PATIENCE_MS) {
      reader.response.destroy();
      return true;
    }
    if (nowMs - reader.openedMs < LIFE_MS) return false;
    reader.response.end();
    return true;
  }

  #edition({ namespace, limit }: Reader): Edition {
    const overview = this.#options.views.overview(namespace, limit);
    return {
      text: `event: overview\ndata: ${JSON.stringify(overview)}\n\n`,
      content: JSON.stringify(overview, (key, value) => (TIMELY.has(key) ? undefined : value)),
    };
  }

  #send(reader: Reader, { text, content }: Edition): void {
    reader.knows = content;
    this.#write(reader, text);
  }

  #write(reader: Reader, text: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    reader.lastSentMs = nowMs;
    if (!reader.response.write(text)) reader.fullSinceMs ??= nowMs;
  }

  #endAll(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const { response } of this.#readers) response.end();
  }
}
