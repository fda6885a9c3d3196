/**
 * What the queue should answer, by the plainest means: explicit hosts and claims, one augmenting path at a time,
 * everything computed anew for every question. Shares no code with src/claims but the types.
 */
import type { Claim, Host, LabelExpression, Requirements } from "../../src/claims/claim.ts";

export function comesBefore(a: Claim, b: Claim): boolean {
  const left = a.createdAtMs - a.bonusPoints * 60_000;
  const right = b.createdAtMs - b.bonusPoints * 60_000;
  if (left !== right) return left < right;
  return a.uid !== b.uid ? a.uid < b.uid : a.id < b.id;
}

export function sorted(claims: readonly Claim[]): Claim[] {
  return [...claims].sort((a, b) => (comesBefore(a, b) ? -1 : 1));
}

function satisfies(host: Host, { key, operator, values }: LabelExpression): boolean {
  const value = Object.entries(host.labels).find(([name]) => name === key)?.[1];
  if (operator === "Exists") return value !== undefined;
  if (operator === "DoesNotExist") return value === undefined;
  const listed = value !== undefined && values.includes(value);
  if (operator === "AbsentOrIn") return value === undefined || listed;
  return operator === "In" ? listed : !listed;
}

export function fitsHost(want: Requirements, host: Host): boolean {
  const all: LabelExpression[] = [
    ...want.requiredTags.map((key) => ({ key, operator: "Exists" as const, values: [] })),
    ...Object.entries(want.requiredLabels).map(([key, value]) => ({
      key,
      operator: "In" as const,
      values: [value],
    })),
    ...want.expressions,
  ];
  const { cpuCores = null, memoryGB = null, diskGB = null } = host.hardware ?? {};
  const tooSmall =
    (cpuCores !== null && cpuCores < want.minCPUCores) ||
    (memoryGB !== null && memoryGB < want.minMemoryGB) ||
    (diskGB !== null && diskGB < want.minDiskGB);
  const kept = host.reservedFor;
  const closed = kept !== null && !(kept.name === want.cluster && kept.namespace === host.namespace);
  return !tooSmall && !closed && all.every((expression) => satisfies(host, expression));
}

/** Host uid by claim id: claims in their order, each kept only if all before it keep a host too. */
export function greedy(claims: readonly Claim[], hosts: readonly Host[]): Map<string, string> {
  const ownerOf = new Map<string, Claim>();
  const findHost = (claim: Claim, tried: Set<string>): boolean => {
    for (const host of hosts) {
      if (tried.has(host.uid) || !fitsHost(claim.requirements, host)) continue;
      tried.add(host.uid);
      const owner = ownerOf.get(host.uid);
      if (owner !== undefined && !findHost(owner, tried)) continue;
      ownerOf.set(host.uid, claim);
      return true;
    }
    return false;
  };
  for (const claim of sorted(claims)) findHost(claim, new Set());
  return new Map([...ownerOf].map(([uid, claim]) => [claim.id, uid]));
}

/** The claim above `asking` that has a place, and none once the host is gone. */
export function displaced(
  claims: readonly Claim[],
  hosts: readonly Host[],
  asking: Claim,
  hostUid: string,
): string | null {
  const above = claims.filter((claim) => claim.id !== asking.id && comesBefore(claim, asking));
  const before = greedy(above, hosts);
  const after = greedy(
    above,
    hosts.filter((host) => host.uid !== hostUid),
  );
  return [...before.keys()].find((id) => !after.has(id)) ?? null;
}

/** The host that `claim` should take: nobody who has a place loses it, then kept, most preferred, known fit, name. */
export function choose(claims: readonly Claim[], hosts: readonly Host[], claim: Claim): string | null {
  const placed = greedy(claims, hosts);
  if (!placed.has(claim.id)) return null;
  const others = claims.filter((other) => other.id !== claim.id && placed.has(other.id));
  const free = hosts.filter(
    (host) =>
      fitsHost(claim.requirements, host) &&
      greedy(
        others,
        hosts.filter((other) => other.uid !== host.uid),
      ).size === others.length,
  );
  return free.sort((a, b) => order(claim.requirements, a, b))[0]!.uid;
}

function order(want: Requirements, a: Host, b: Host): number {
  return (
    Number(isKept(want, b)) - Number(isKept(want, a)) ||
    preferredOf(want, b) - preferredOf(want, a) ||
    Number(isKnown(want, b)) - Number(isKnown(want, a)) ||
    (a.name < b.name || (a.name === b.name && a.uid < b.uid) ? -1 : 1)
  );
}

function isKept(want: Requirements, host: Host): boolean {
  const labels = Object.keys(host.labels);
  return want.expressions.some(({ key, operator }) => operator === "AbsentOrIn" && labels.includes(key));
}

function preferredOf(want: Requirements, host: Host): number {
  const labels = new Map(Object.entries(host.labels));
  return (
    want.preferredTags.filter((key) => labels.has(key)).length +
    Object.entries(want.preferredLabels).filter(([key, value]) => labels.get(key) === value).length
  );
}

function isKnown(want: Requirements, { hardware }: Host): boolean {
  return (
    (want.minCPUCores <= 0 || typeof hardware?.cpuCores === "number") &&
    (want.minMemoryGB <= 0 || typeof hardware?.memoryGB === "number") &&
    (want.minDiskGB <= 0 || typeof hardware?.diskGB === "number")
  );
}

/** "claim id host uid" in order: the highest claim with a place takes its choice, both leave, and so on. */
export function place(claims: readonly Claim[], hosts: readonly Host[]): string[] {
  const first = sorted(claims).find((claim) => greedy(claims, hosts).has(claim.id));
  if (first === undefined) return [];
  const uid = choose(claims, hosts, first)!;
  const rest = place(
    claims.filter((claim) => claim !== first),
    hosts.filter((host) => host.uid !== uid),
  );
  return [`${first.id} ${uid}`, ...rest];
}

/**
 * The best set of claims that can all have a host at once, tried out over every assignment: better is the one that
 * serves the higher claim where two first differ. Only for a handful of claims.
 */
export function bestSet(claims: readonly Claim[], hosts: readonly Host[]): string[] {
  const ranked = sorted(claims);
  let best = "";
  const assign = (at: number, used: ReadonlySet<string>, served: string) => {
    if (at === ranked.length) {
      if (served > best) best = served;
      return;
    }
    assign(at + 1, used, `${served}0`);
    for (const host of hosts) {
      if (used.has(host.uid) || !fitsHost(ranked[at]!.requirements, host)) continue;
      assign(at + 1, new Set([...used, host.uid]), `${served}1`);
    }
  };
  assign(0, new Set(), "");
  return ranked.filter((_, at) => best[at] === "1").map((claim) => claim.id);
}
