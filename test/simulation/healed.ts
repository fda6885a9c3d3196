import { webhookEntries } from "../../certs/registration-diff.ts";
import { type Claim, consumerKey, sameConsumer } from "../../src/claims/claim.ts";
import { isClaimable, isHeldBy } from "../../src/coordinator/facts.ts";
import { CLAIM_REQUESTS } from "../../src/kube/types.ts";
import { greedy } from "../claims/reference.ts";
import type { Cluster } from "./cluster.ts";
import { EPOCH_MS } from "./process.ts";
import type { Stored } from "./stored.ts";

const WEBHOOK_CONFIGURATIONS = [
  "mutatingwebhookconfigurations.admissionregistration.k8s.io",
  "validatingwebhookconfigurations.admissionregistration.k8s.io",
];

/** What is not yet as it must be once nothing is in the way any more, in sentences; empty when all is well. */
export function unhealed(cluster: Cluster, stored: Stored, nowMs: number): string[] {
  const stands = cluster.replicas.some((member) => member?.stands);
  return [
    ...leaderProblems(cluster),
    ...certificateProblems(cluster, stored, nowMs),
    ...unsettled(stored, stands),
  ];
}

/** The same of what is stored alone; `stands`: whether anybody leads. */
export function unsettled(stored: Stored, stands: boolean): string[] {
  // Without a leader nobody serves a request: only machines have a controller that tries for itself.
  const waiting = stored.waiting().filter(({ consumer }) => stands || consumer.kind !== CLAIM_REQUESTS.kind);
  return [...machineProblems(stored, waiting), ...requestProblems(stored)];
}

function leaderProblems({ replicas }: Cluster): string[] {
  if (!replicas.some((member) => member?.stands)) return [];
  const leaders = replicas.filter((member) => member?.replica.isLeading());
  return leaders.length === 1 ? [] : [`${leaders.length} replicas lead`];
}

/** Each registration must trust what each replica serves. */
function certificateProblems({ replicas }: Cluster, stored: Stored, nowMs: number): string[] {
  const registered = WEBHOOK_CONFIGURATIONS.flatMap((resource) => stored.objects(resource));
  return replicas.flatMap((member) =>
    registered.flatMap((object) =>
      webhookEntries(object).flatMap(({ name, clientConfig }) => {
        const problem = member?.serving?.problem(clientConfig?.caBundle, EPOCH_MS + nowMs) ?? null;
        return problem === null
          ? []
          : [`${member?.pod} is not trusted by ${object.kind} ${name}: ${problem}`];
      }),
    ),
  );
}

function machineProblems(stored: Stored, claims: readonly Claim[]): string[] {
  const hosts = stored.hosts();
  const named = new Set(hosts.flatMap(({ consumer }) => (consumer === null ? [] : [consumerKey(consumer)])));
  const machines = stored.machines();
  const gone = machines
    .filter(({ deleting }) => deleting)
    .map(({ name }) => `${name} is still being deleted`);
  // A machine that asks without being heard must count: whoever has no host wants one.
  const asking = machines
    .filter((machine) => !machine.deleting && !machine.paused && !named.has(consumerKey(machine)))
    .map(({ name }) => name);
  const waiting = new Set(claims.map(({ consumer }) => consumer.name));
  const unheard = asking
    .filter((name) => !waiting.has(name))
    .map((name) => `${name} has no host and does not wait`);
  const free = hosts.filter(isClaimable);
  const fitting = [...greedy(claims, free).keys()].map((id) => `${id} waits although a host for it is free`);
  const stuck = hosts
    .filter(({ consumer, unavailable }) => consumer === null && unavailable === "state is InUse")
    .map(({ name }) => `${name} is in use by nobody`);
  return [...gone, ...unheard, ...fitting, ...stuck];
}

function requestProblems(stored: Stored): string[] {
  const hosts = stored.hosts();
  const problems: string[] = [];
  for (const request of stored.requests()) {
    const { name, phase, consumer, deleting, binding } = request;
    const holding = hosts.find((host) => isHeldBy(host, consumer));
    if (deleting) problems.push(`request ${name} is still being deleted`);
    if (phase === "Binding") problems.push(`the binding of request ${name} is not settled`);
    if (phase === "Bound" && holding === undefined) problems.push(`request ${name} is Bound to nothing`);
    if (phase !== "Bound" && holding !== undefined)
      problems.push(`request ${name} is ${phase} but has ${holding.name}`);
    if (phase === "Bound" && holding !== undefined && binding?.hostUID !== holding.uid)
      problems.push(`request ${name} is Bound to ${binding?.hostName} but has ${holding.name}`);
    if (request.explicit) continue;
    const machine = stored.machine(consumer);
    if (machine === null || !sameConsumer(machine, consumer))
      problems.push(`request ${name} outlived its consumer`);
  }
  return problems;
}
