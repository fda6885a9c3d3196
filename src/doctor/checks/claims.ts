import type { Claim } from "../../claims/claim.ts";
import { requirementsKey } from "../../claims/pool.ts";
import { REJECT_REASONS, type RejectReason } from "../../claims/reasons.ts";
import { fits } from "../../claims/requirements.ts";
import { SERVICE_NAME } from "../../cli/install-names.ts";
import { profiles } from "../../hosts/profiles.ts";
import { CLAIM_REQUESTS } from "../../kube/types.ts";
import { WaitingReasons } from "../../queue/waiting-reasons.ts";
import { claimRequestName, isNamedAfterConsumer, readClaimRequest } from "../../requests/claim-request.ts";
import { count, type Finding, ok, problem, several } from "../finding.ts";
import type { ClaimEvent, ClusterFacts, Snapshot } from "../snapshot.ts";
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
  return requests.map(readClaimRequest).flatMap((request) => {
    if (isNamedAfterConsumer(request)) return [];
    const { namespace, name, consumer } = request;
    const wanted = `${consumer.namespace}/${claimRequestName(consumer)}`;
    const what = `ClaimRequest ${namespace}/${name} names ${consumer.kind} ${consumer.namespace}/${consumer.name}, whose request would be ${wanted}`;
    return [
      problem("RequestMisnamed", "warning", what, `kubectl delete claimrequest -n ${namespace} ${name}`),
    ];
  });
}

function checkWaiting({ lease, place }: Snapshot, { world, stillFree }: ClusterFacts): Finding[] {
  const reasons = new WaitingReasons(world);
  const led = lease.ok && lease.value?.renewed === true;
  const nothingFits = lookedUp(reasons);
  return world.queue.pools().flatMap(({ pool }) =>
    world.queue.waiting(pool).flatMap((claim) => {
      const { kind, namespace, name } = claim.consumer;
      const who = `${kind} ${namespace}/${name}`;
      const host = reasons.nextHost(claim);
      if (host !== undefined && led && stillFree.includes(host.uid)) {
        const what = `${who} waits although host ${host.namespace}/${host.name} is free for it`;
        return [problem("HostNotGiven", "warning", what, `${logs(place)} | grep ${host.name}`)];
      }
      if (host !== undefined || !nothingFits(claim)) return [];
      const what = `${who} waits: ${reasons.why(claim)}`;
      return [problem("NothingFits", "warning", what, explain(namespace, `${kind.toLowerCase()}/${name}`))];
    }),
  );
}

/** Whether no host of its pool fits a claim, free or not; claims that ask for the same share one answer. */
function lookedUp(reasons: WaitingReasons): (claim: Claim) => boolean {
  const answers = new Map<string, boolean>();
  return ({ pool, requirements }) => {
    const key = `${pool} ${requirementsKey(requirements)}`;
    let answer = answers.get(key);
    if (answer === undefined) {
      answer = !reasons.hostsOf(pool).some((host) => fits(requirements, host));
      answers.set(key, answer);
    }
    return answer;
  };
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
