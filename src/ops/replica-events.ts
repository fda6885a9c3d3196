import type { DecisionRecord } from "../../webhooks/outcome.ts";
import type { Consumer } from "../claims/claim.ts";
import { isInternal } from "../claims/reasons.ts";
import type { Clock } from "../clock.ts";
import type { EventRecorder } from "../coordinator/events.ts";
import type { World } from "../coordinator/world.ts";
import { profileForKind, profileForMachineKind } from "../hosts/profiles.ts";
import type { ResourceType } from "../kube/api.ts";
import type { Log } from "../log.ts";
import type { Metrics, Result, Verdict } from "../metrics.ts";
import type { ReplicaEvents } from "../replica.ts";

/** What a replica tells, as metrics and Kubernetes Events. */
export function replicaEvents(to: {
  metrics: Metrics;
  events: EventRecorder;
  log: Log;
  clock: Clock;
  leaseNamespace: string;
  world(): World;
}): ReplicaEvents {
  const { metrics, events, log, clock, leaseNamespace } = to;
  return {
    decision(record) {
      const { webhook, allowed, reason, mode, tookMs } = record;
      metrics.decision(webhook, verdictOf(record), allowed ? mode : reason, tookMs / 1000);
      if (record.dryRun) return;
      // /mutate's word is not the last one, and the processor counts its own claims.
      const counts = !allowed || (webhook === "validate" && record.mode !== "uninvolved" && !record.ours);
      if (counts) metrics.result(record.namespace, resultOf(record), tookMs / 1000);
      if (!allowed) announceRejection(events, record, to.world());
    },
    bindResult({ host, outcome, tookMs, claim }) {
      const result: Result = outcome === "bound" ? "success" : outcome === "retry" ? "retry" : "error";
      metrics.result(host.namespace, result, tookMs / 1000);
      if (outcome === "bound")
        metrics.bound(host.kind, Math.max(0, clock.wallMs() - claim.createdAtMs) / 1000);
    },
    bound(request, host) {
      const who = `${request.consumer.kind} ${request.consumer.namespace}/${request.consumer.name}`;
      events.emit(
        { apiVersion: apiVersion(profileForKind(host.kind)?.hostType), ...host },
        "Normal",
        "Claimed",
        `Claimed for ${who}`,
      );
      announce(events, to.world(), request.consumer, "Normal", "HostClaimed", `Got host ${host.name}`);
    },
    leader: (event) => metrics.leaderEvent(leaseNamespace, event),
    machineProblems(machine) {
      metrics.malformedAnnotations(machine.namespace, machine.problems.length);
      log.warn(
        { machine: `${machine.namespace}/${machine.name}`, problems: machine.problems },
        "Malformed annotations",
      );
      announce(events, to.world(), machine, "Warning", "MalformedAnnotation", machine.problems.join("; "));
    },
    holderUnmatched(identity) {
      log.error(
        { holder: identity },
        "The holder of the Lease has never been recognised in a claim: no claim can pass. Check that its identity is its pod's name and that its token is bound to the pod, or release the Lease",
      );
    },
  };
}

function verdictOf({ allowed, reason }: DecisionRecord): Verdict {
  if (allowed) return "allow";
  return reason !== "" && isInternal(reason) ? "error" : "reject";
}

function resultOf(record: DecisionRecord): Result {
  if (record.allowed) return "success";
  if (record.reason === "Delegated") return "delegated";
  return verdictOf(record) === "error" ? "error" : "rejected";
}

function announceRejection(events: EventRecorder, record: DecisionRecord, world: World): void {
  if (record.consumer === null || record.message === "") return;
  announce(events, world, record.consumer, "Normal", `Claim${record.reason}`, record.message);
}

/** On the machine itself, where it is known; its uid makes kubectl describe show it. */
function announce(
  events: EventRecorder,
  world: World,
  consumer: Pick<Consumer, "kind" | "namespace" | "name">,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
): void {
  const { kind, namespace, name } = consumer;
  const machine = world.consumer(`${kind}/${namespace}/${name}`)?.machine;
  if (machine == null) return;
  const { uid } = machine;
  events.emit(
    { apiVersion: apiVersion(profileForMachineKind(kind)?.machineType), kind, namespace, name, uid },
    type,
    reason,
    message,
  );
}

function apiVersion(type: ResourceType | undefined): string {
  return type === undefined ? "" : `${type.group}/${type.version}`;
}
