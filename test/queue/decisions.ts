import { describe as inWords, type RejectReason } from "../../src/claims/reasons.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { NOW_MS } from "./world.ts";

/** A verdict on the claim of machine-1 on host-1, as /validate gives it when it allows. */
export function decision(changes: Partial<DecisionRecord> = {}): DecisionRecord {
  const consumer = {
    apiVersion: "",
    kind: "Beskar7Machine",
    namespace: "default",
    name: "machine-1",
    uid: "",
  };
  return {
    webhook: "validate",
    uid: "1",
    allowed: true,
    mode: "leader",
    reason: "",
    message: "",
    hostKind: "PhysicalHost",
    namespace: "default",
    host: "host-1",
    hostUID: "u",
    consumer,
    requester: "system:serviceaccount:beskar7-system:beskar7",
    requesterIsHolder: true,
    pod: "",
    term: "",
    ours: false,
    dryRun: false,
    atMs: NOW_MS,
    tookMs: 0.25,
    ...changes,
  };
}

export function delegated(changes: Partial<DecisionRecord> = {}): DecisionRecord {
  const record = decision({ allowed: false, mode: "uninvolved", ...changes });
  const { consumer, namespace, host } = record;
  const reason: RejectReason = "Delegated";
  const message = inWords({
    reason,
    host: { namespace, name: host },
    consumer,
    holderIdentity: "coordinator-0",
    foreign: false,
  });
  return { ...record, reason, message };
}
