import { poolKey } from "../../claims/claim.ts";
import { REJECT_REASONS, type RejectReason } from "../../claims/reasons.ts";
import { fit } from "../../claims/requirements.ts";
import { SERVICE_NAME } from "../../cli/install-names.ts";
import { profiles } from "../../hosts/profiles.ts";
import { CLAIM_REQUESTS } from "../../kube/types.ts";
import { WaitingReasons } from "../../queue/waiting-reasons.ts";
import { claimRequestName, readClaimRequest } from "../../requests/claim-request.ts";
import { count, type Finding, ok, problem, several } from "../finding.ts";
import type { ClaimEvent, ClusterFacts, Snapshot } from "../snapshot.ts";
import { worldOf } from "../world.ts";
import { install, logs } from "./words.ts";

const explain = (namespace: string, machine: string) => `${SERVICE_NAME} explain -n ${namespace} ${machine}`;

/** Whether the API server knows the kinds, and what is wrong with who waits. */
export function checkQueue(snapshot: Snapshot): Finding[] {
  const { cluster, place } = snapshot;
  if (!cluster.ok) {
    const mend = `kubectl get claimrequests -A`;
    return [problem("NotReadable", "warning", `Hosts, machines and requests: ${cluster.problem}`, mend)];
  }
  const facts = cluster.value;
  const findings = [
    ...checkServed(facts, install(place)),
    ...misnamed(facts),
    ...checkWaiting(snapshot, facts),
  ];
  const requests = facts.requests.length;
  return findings.length > 0
    ? findings
    : [ok("queue", `${count(requests, "ClaimRequest")}, none of them stuck`)];
}

function checkServed({ served }: ClusterFacts, mend: string): Finding[] {
  const findings: Finding[] = [];
  if (!served.includes(CLAIM_REQUESTS.kind)) {
    const what = `The API server does not serve ${CLAIM_REQUESTS.plural}.${CLAIM_REQUESTS.group}`;
    findings.push(problem("RequestsNotServed", "error", what, mend));
  }
  const kinds = profiles.map(({ hostType }) => hostType.kind);
  if (!kinds.some((kind) => served.includes(kind))) {
    const what = `The API server serves none of ${kinds.join(", ")}`;
    findings.push(problem("HostsNotServed", "error", what, "kubectl get crds"));
  }
  return findings;
}

function misnamed({ requests }: ClusterFacts): Finding[] {
  return requests.map(readClaimRequest).flatMap(({ explicit, namespace, name, consumer }) => {
    const wanted = claimRequestName(consumer, namespace);
    if (explicit || name === wanted) return [];
    const what = `ClaimRequest ${namespace}/${name} names ${consumer.kind} ${consumer.namespace}/${consumer.name}, whose request would be ${wanted}`;
    return [
      problem("RequestMisnamed", "warning", what, `kubectl delete claimrequest -n ${namespace} ${name}`),
    ];
  });
}

function checkWaiting({ lease, place }: Snapshot, facts: ClusterFacts): Finding[] {
  const world = worldOf(facts);
  const reasons = new WaitingReasons(world);
  const led = lease.ok && lease.value?.renewed === true;
  return world.queue.pools().flatMap(({ pool }) =>
    world.queue.waiting(pool).flatMap((claim) => {
      const { kind, namespace, name } = claim.consumer;
      const who = `${kind} ${namespace}/${name}`;
      const host = reasons.nextHost(claim);
      if (host !== undefined) {
        if (!led || !facts.stillFree.includes(host.uid)) return [];
        const what = `${who} waits although host ${host.namespace}/${host.name} is free for it`;
        return [problem("HostNotGiven", "warning", what, `${logs(place)} | grep ${host.name}`)];
      }
      const hosts = [...world.hosts()].filter((other) => poolKey(other.kind, other.namespace) === pool);
      if (hosts.some((other) => fit(claim.requirements, other).fits)) return [];
      const what = `${who} waits: ${reasons.why(claim)}`;
      return [problem("NothingFits", "warning", what, explain(namespace, `${kind.toLowerCase()}/${name}`))];
    }),
  );
}

/** Refusals that say that claims met each other, or a rule; being left to the leader is how it should be. */
const NORMAL: readonly RejectReason[] = ["Delegated"];

export function checkRejections({ events, nowMs }: Snapshot): Finding[] {
  const mend = `kubectl get events -A --field-selector source=${SERVICE_NAME}`;
  if (!events.ok) return [problem("NotReadable", "warning", `Events: ${events.problem}`, mend)];
  const findings = REJECT_REASONS.filter((reason) => !NORMAL.includes(reason)).flatMap((reason) => {
    const those = events.value.filter((event) => event.reason === reason);
    const last = those.reduce<ClaimEvent | null>((a, b) => (a === null || b.atMs > a.atMs ? b : a), null);
    if (last === null) return [];
    const who = several([...new Set(those.map(({ consumer }) => consumer))], 3);
    const times = those.reduce((sum, event) => sum + event.times, 0);
    const minutes = Math.max(0, Math.round((nowMs - last.atMs) / 60_000));
    const what = `${count(times, "claim")} refused with ${reason} (${who}), the last ${minutes} min ago: ${last.message}`;
    return [problem("ClaimsRejected", "warning", what, `${mend},reason=Claim${reason}`)];
  });
  if (findings.length > 0) return findings;
  const delegated = events.value.length;
  const but =
    delegated === 0 ? "" : `, but ${count(delegated, "Event")} of claims that were left to the leader`;
  return [ok("rejections", `No claim was refused in the last hour${but}`)];
}
