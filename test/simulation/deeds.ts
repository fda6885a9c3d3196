import { isInternal } from "../../src/claims/reasons.ts";
import type { BindResult } from "../../src/coordinator/processor.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { NAMESPACE, SYSTEM_NAMESPACE } from "./server.ts";

/** Reasons that say something about the claim, but that somebody else has to make it. */
const FOR_WHAT_IT_IS: ReadonlySet<string> = new Set([
  "HostHeld",
  "ForeignConsumer",
  "HostUnavailable",
  "ConsumerHoldsHost",
  "FencedOut",
  "OutOfOrder",
]);

const RESULT_OF_BINDING = { bound: "success", retry: "retry", unknown: "error" } as const;

/** What one replica did, counted as its metrics should: values by their labels, which are in the metrics' order. */
export class Deeds {
  readonly decisions = new Map<string, number>();
  readonly results = new Map<string, number>();
  readonly elections = new Map<string, number>();
  /** Reviews, and the seconds that they took, by webhook. */
  readonly reviews = new Map<string, number>();
  readonly reviewSeconds = new Map<string, number>();
  /** Claims of its own that ended with a host, and the seconds that they had waited. */
  readonly bound = new Map<string, number>();
  readonly boundSeconds = new Map<string, number>();
  /** When it last said that it leads, on its monotonic clock. */
  ledFromMs = 0;

  /** A review was answered. */
  answered({ webhook, allowed, mode, reason, dryRun, ours }: DecisionRecord, tookMs: number): void {
    const verdict = allowed ? "allow" : reason !== "" && isInternal(reason) ? "error" : "reject";
    add(this.decisions, `${webhook} ${verdict} ${allowed ? mode : reason}`);
    add(this.reviews, webhook);
    add(this.reviewSeconds, webhook, tookMs / 1_000);
    if (dryRun) return;
    if (!allowed) {
      const result = reason === "Delegated" ? "delegated" : FOR_WHAT_IT_IS.has(reason) ? "rejected" : "error";
      add(this.results, `${NAMESPACE} ${result}`);
    } else if (webhook === "validate" && mode !== "uninvolved" && !ours) {
      add(this.results, `${NAMESPACE} success`);
    }
  }

  bindEnded({ outcome, host }: BindResult, waitedMs: number): void {
    add(this.results, `${NAMESPACE} ${RESULT_OF_BINDING[outcome]}`);
    if (outcome !== "bound") return;
    add(this.bound, host.kind);
    add(this.boundSeconds, host.kind, Math.max(0, waitedMs) / 1_000);
  }

  elected(event: string, nowMs: number): void {
    add(this.elections, `${SYSTEM_NAMESPACE} ${event}`);
    if (event === "started_leading") this.ledFromMs = nowMs;
  }
}

function add(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
