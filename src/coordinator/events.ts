import type { Clock } from "../clock.ts";
import type { KubeApi } from "../kube/api.ts";
import { EVENTS } from "../kube/types.ts";
import type { Log } from "../log.ts";

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  /** "" of what is in no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventRecorderOptions {
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  /** reportingComponent: the same for every replica. */
  component: string;
  /** reportingInstance: this replica. */
  instance: string;
}

/** As client-go's event correlator: 25 at once for an object, then one each five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;
/** The same words about the same object are not said again within this time. */
const REPEAT_MS = 600_000;
/** Objects and sentences remembered; the oldest are forgotten first. */
const REMEMBERED = 4096;
/** Events under way at the same time; more are dropped: they are news, not records. */
const INFLIGHT = 8;

/** Kubernetes Events, rate-limited. Never rejects, never makes anybody wait: an Event that can't be had is lost. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  readonly #said = new Map<string, number>();
  #inflight = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  emit(subject: EventSubject, type: "Normal" | "Warning", reason: string, message: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (subject.uid === "" || this.#inflight >= INFLIGHT) return;
    const sentence = `${subject.uid} ${reason} ${message}`;
    const saidMs = this.#said.get(sentence);
    if (saidMs !== undefined && nowMs - saidMs < REPEAT_MS) return;
    if (!this.#takeToken(subject.uid, nowMs)) return;
    remember(this.#said, sentence, nowMs);
    this.#inflight++;
    this.#write(subject, type, reason, message)
      .catch((error) => this.#options.log.debug({ err: error, reason }, "An Event could not be written"))
      .finally(() => {
        this.#inflight--;
      });
  }

  #takeToken(uid: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(uid) ?? { tokens: BURST, atMs: nowMs };
    const tokens = Math.min(BURST, bucket.tokens + (nowMs - bucket.atMs) / REFILL_MS);
    remember(this.#buckets, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    return tokens >= 1;
  }

  async #write(subject: EventSubject, type: string, reason: string, message: string): Promise<void> {
    const { api, clock, random, component, instance } = this.#options;
    const now = new Date(clock.wallMs()).toISOString();
    const seconds = `${now.slice(0, 19)}Z`;
    // client-go names Events after the object and the time; the time alone would collide between replicas.
    const suffix = Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0");
    const name = `${subject.name.slice(0, 200)}.${suffix}`;
    await api.create(EVENTS, {
      apiVersion: "v1",
      kind: "Event",
      // Where the API server wants Events about what is in no namespace.
      metadata: { namespace: subject.namespace || "default", name },
      involvedObject: { ...subject },
      type,
      reason,
      message,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
      firstTimestamp: seconds,
      lastTimestamp: seconds,
      count: 1,
    });
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
