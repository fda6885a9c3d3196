import { formatTerm } from "../../claims/claim.ts";
import { holderName } from "../../claims/holder.ts";
import { age } from "../../cli/output.ts";
import { TERM_ANNOTATION } from "../../hosts/annotations.ts";
import { annotationsOf } from "../../hosts/fields.ts";
import type { KubeObject } from "../../kube/api.ts";
import { termOf } from "../../leader/lease.ts";
import { count, type Finding, ok, problem } from "../finding.ts";
import type { LeaseFacts, Snapshot } from "../snapshot.ts";
import { leaseCommand, logs, seconds } from "./words.ts";

/** More changes of the leader an hour than this are no rollout any more. */
const FREQUENT_PER_HOUR = 4;
const HOUR_MS = 3_600_000;

/** Present, held, renewed, and by whom. */
export function checkLease(snapshot: Snapshot): Finding[] {
  const { lease, place } = snapshot;
  if (!lease.ok)
    return [problem("NotReadable", "warning", `The Lease: ${lease.problem}`, leaseCommand(place))];
  const name = `${place.leaseNamespace}/${place.leaseName}`;
  // Where nobody is meant to stand, a Lease that is missing is as it should be.
  const severity = standsSomebody(snapshot) ? "error" : "warning";
  const facts = lease.value;
  if (facts === null) {
    return [problem("LeaseMissing", severity, `There is no Lease ${name}`, logs(place))];
  }
  const { record } = facts;
  if (record.holderIdentity === "") {
    return [problem("LeaseNotHeld", severity, `Nobody holds the Lease ${name}`, logs(place))];
  }
  return [...checkRenewal(snapshot, facts), ...checkTransitions(snapshot, facts)];
}

function standsSomebody({ replicas }: Snapshot): boolean {
  return (
    !replicas.ok || replicas.value.length === 0 || replicas.value.some(({ config }) => config?.leaderElection)
  );
}

function checkRenewal({ place, replicas }: Snapshot, facts: LeaseFacts): Finding[] {
  const { record, after, renewed, watchedMs } = facts;
  const name = `${place.leaseNamespace}/${place.leaseName}`;
  if (after === null || after.holderIdentity === "") {
    const what = `The Lease ${name} was given up by ${record.holderIdentity} while it was watched`;
    return [problem("LeaseNotHeld", "warning", what, leaseCommand(place))];
  }
  const kind = after.signedBy === after.holderIdentity ? "" : ", an elector that is none of this service's";
  if (renewed) {
    const what = `${after.holderIdentity}${kind} holds ${name}, and renewed it within ${seconds(watchedMs)}`;
    return [ok("lease", what)];
  }
  const pod = holderName(record.holderIdentity);
  const isOurs = replicas.ok && replicas.value.some((replica) => replica.pod === pod);
  const what = `${record.holderIdentity}${kind} holds ${name} and has not renewed it for ${seconds(watchedMs)}; last at ${record.renewTime}, for ${record.leaseDurationSeconds} s`;
  // Deleting the pod ends a frozen holder; deleting the Lease lets the others in at once where there is no pod.
  const mend = isOurs
    ? `kubectl delete pod -n ${place.leaseNamespace} ${pod}`
    : `kubectl delete lease -n ${place.leaseNamespace} ${place.leaseName}`;
  return [problem("LeaseNotRenewed", "error", what, mend)];
}

function checkTransitions({ nowMs, place, serverAhead }: Snapshot, facts: LeaseFacts): Finding[] {
  const { createdAtMs, record, after } = facts;
  const transitions = (after ?? record).leaseTransitions;
  const livedMs = Math.max(1, nowMs + (serverAhead?.leastMs ?? 0) - createdAtMs);
  // A Lease younger than an hour has not had one to fill yet.
  const perHour = transitions / Math.max(1, livedMs / HOUR_MS);
  const lived = age(Math.floor(livedMs / 1000));
  const what = `${count(transitions, "change")} of the leader in ${lived}`;
  if (perHour <= FREQUENT_PER_HOUR) return [ok("lease", what)];
  const mend = `${logs(place)} | grep -E "Became leader|Lost leadership"`;
  return [problem("LeadershipUnstable", "warning", `${what}, ${perHour.toFixed(1)} an hour`, mend)];
}

/** A valid holder whom no requester matches. */
export function checkHolder({ cluster, lease, place, replicas }: Snapshot): Finding[] {
  const facts = lease.ok ? lease.value : null;
  const identity = facts?.record.holderIdentity ?? "";
  if (facts === null || identity === "") return [];
  const claimed = cluster.ok ? claimedIn(formatTerm(termOf(facts.record)), cluster.value.hosts) : 0;
  if (claimed > 0)
    return [ok("holder", `The holder was recognised: it claimed ${count(claimed, "host")} in its term`)];
  if (!facts.holderPods.ok) {
    const what = `Whether the holder's pod exists: ${facts.holderPods.problem}`;
    return [problem("NotReadable", "warning", what, `kubectl get pods -n ${place.leaseNamespace}`)];
  }
  const [pod] = facts.holderPods.value;
  if (pod !== undefined) return [ok("holder", `The holder is pod ${pod}`)];
  const outside = "url" in place.target && replicas.ok && replicas.value.length === 0;
  const what = `The holder ${identity} is no pod of namespace ${place.leaseNamespace}`;
  if (outside) {
    const but = `${what}; outside a cluster it has to be a user of that name`;
    return [problem("HolderWithoutPod", "warning", but, leaseCommand(place))];
  }
  const mend = `kubectl delete lease -n ${place.leaseNamespace} ${place.leaseName}`;
  return [problem("HolderWithoutPod", "error", what, mend)];
}

/** Hosts whose claim was admitted as the holder's in this term. */
function claimedIn(term: string, hosts: readonly KubeObject[]): number {
  return hosts.filter((host) => annotationsOf(host)[TERM_ANNOTATION] === term).length;
}
