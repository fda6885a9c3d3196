import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { consumerKey } from "../claims/claim.ts";
import { LatencyWindow, type Percentiles } from "./latency.ts";

/** What a person can look through; enough for a minute of trouble with hundreds of machines. */
const DEFAULT_CAPACITY = 200;
/** Namespaces whose rejections are counted apart; those that come after share one count, "". */
const NAMESPACES_COUNTED = 1_000;

/** Verdicts on claims that were alike: same consumer, host and reason. Controllers try again and again. */
export interface RecentDecision {
  /** Of the last of them, milliseconds since the epoch. */
  readonly atMs: number;
  readonly times: number;
  readonly allowed: boolean;
  readonly mode: DecisionRecord["mode"];
  /** RejectReason; "" when allowed. */
  readonly reason: string;
  /** The rejection's sentence; "" when allowed. */
  readonly message: string;
  readonly hostKind: string;
  readonly namespace: string;
  readonly host: string;
  readonly consumer: { readonly kind: string; readonly namespace: string; readonly name: string } | null;
  readonly requester: string;
}

/**
 * What this replica has decided lately: bounded, quick enough for the review path. A claim that /mutate lets through
 * is not decided yet, so it counts for the latency only; so do writes that are no claims, and dry runs.
 */
export class RecentDecisions {
  readonly #capacity: number;
  /** The oldest first. */
  readonly #kept = new Map<string, RecentDecision>();
  readonly #rejections = new Map<string, Map<string, number>>();
  readonly #latency = { mutate: new LatencyWindow(), validate: new LatencyWindow() };

  constructor(capacity = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  note(record: DecisionRecord): void {
    if (record.tookMs > 0) this.#latency[record.webhook].note(record.tookMs);
    const final = !record.allowed || (record.webhook === "validate" && record.mode !== "uninvolved");
    if (!final || record.dryRun) return;
    if (!record.allowed) this.#countRejection(record.namespace, record.reason);
    const key = keyOf(record);
    const before = this.#kept.get(key);
    this.#kept.delete(key);
    this.#kept.set(key, kept(record, (before?.times ?? 0) + 1));
    if (this.#kept.size > this.#capacity) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** The last first; null: of all namespaces. */
  list(namespace: string | null): RecentDecision[] {
    const all = [...this.#kept.values()].reverse();
    return namespace === null ? all : all.filter((decision) => decision.namespace === namespace);
  }

  /** Since this replica started, the most frequent first. */
  rejections(namespace: string | null): { reason: string; count: number }[] {
    const sums = new Map<string, number>();
    for (const [counted, reasons] of this.#rejections) {
      if (namespace !== null && counted !== namespace) continue;
      for (const [reason, count] of reasons) sums.set(reason, (sums.get(reason) ?? 0) + count);
    }
    return [...sums].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
  }

  latency(): { mutate: Percentiles; validate: Percentiles } {
    return {
      mutate: this.#latency.mutate.percentiles(),
      validate: this.#latency.validate.percentiles(),
    };
  }

  #countRejection(namespace: string, reason: string): void {
    const isNew = !this.#rejections.has(namespace);
    const place = isNew && this.#rejections.size >= NAMESPACES_COUNTED ? "" : namespace;
    const reasons = this.#rejections.get(place) ?? new Map<string, number>();
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    this.#rejections.set(place, reasons);
  }
}

function keyOf({ consumer, hostKind, namespace, host, reason, mode }: DecisionRecord): string {
  const who = consumer === null ? "" : consumerKey(consumer);
  return `${who} ${hostKind}/${namespace}/${host} ${reason || mode}`;
}

function kept(record: DecisionRecord, times: number): RecentDecision {
  const { atMs, allowed, mode, reason, message, hostKind, namespace, host, consumer, requester } = record;
  const who =
    consumer === null ? null : { kind: consumer.kind, namespace: consumer.namespace, name: consumer.name };
  return { atMs, times, allowed, mode, reason, message, hostKind, namespace, host, consumer: who, requester };
}
