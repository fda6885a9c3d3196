import type { Claim } from "../claims/claim.ts";
import type { Replica } from "../replica.ts";
import { freeTimesMs, holdersOf, invertedPairs, safetyViolations } from "../workload/checks.ts";
import type { DemoCluster } from "./cluster.ts";
import type { DemoWorkload } from "./workload.ts";

/** The state of the demo in one line, for somebody who watches. */
export function summaryLine(cluster: DemoCluster, workload: DemoWorkload, seconds: number): string {
  const replicas = cluster.managers.map(({ replica }) => replica);
  const leader = cluster.managers.find(({ replica }) => replica.isLeading());
  const hosts = [...workload.history.hosts()];
  const held = hosts.filter(({ consumer }) => consumer !== null).length;
  const free = hosts.filter(({ consumer, unavailable }) => consumer === null && unavailable === "").length;
  const waiting = waitingClaims(replicas[0]).length;
  const name =
    leader === undefined ? "none, optimistic" : leader.identity.slice(0, leader.identity.indexOf("_"));
  return `${String(Math.round(seconds)).padStart(3)} s  leader ${name}  waiting ${waiting}  hosts: ${held} held, ${free} free, ${hosts.length - held - free} not available`;
}

export function waitingClaims(replica: Replica | undefined): Claim[] {
  const claims: Claim[] = [];
  for (const [, facts] of replica?.world.consumers() ?? []) {
    const demand = replica!.world.demand(facts);
    if (demand.waits) claims.push(demand.claim);
  }
  return claims;
}

/** What happened, and whether it was right. */
export interface DemoReport {
  readonly lines: readonly string[];
  readonly ok: boolean;
}

/** `contenders`: the claims that waited when the hosts became free. */
export function report(
  workload: DemoWorkload,
  contenders: readonly Claim[],
  replica: Replica | undefined,
): DemoReport {
  const hosts = [...workload.history.hosts()];
  const holders = holdersOf(hosts);
  const violations = safetyViolations(workload.history.events);
  const inverted = invertedPairs(contenders, holders);
  const times = freeTimesMs(workload.history.events).sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  const idle = hosts.filter(({ consumer, unavailable }) => consumer === null && unavailable === "").length;
  const stranded = idle > 0 && waitingClaims(replica).length > 0;
  const lines = [
    `${holders.size} of ${hosts.length} hosts have a machine; ${contenders.length} machines waited for them`,
    `from free to claimed: ${at(0.5)} ms at the median, ${at(1)} ms at the most`,
    `${inverted} pairs of machines in the wrong order`,
    violations.length === 0
      ? "no host changed hands without a release, no machine held two hosts"
      : `VIOLATIONS:\n  ${violations.join("\n  ")}`,
    ...(stranded ? [`${idle} hosts are free although machines wait`] : []),
  ];
  return { lines, ok: violations.length === 0 && inverted === 0 && !stranded && holders.size > 0 };
}
