/** Generated hosts, claims and histories: small alphabets, so that things collide often. */
import type { Claim, Hardware, Host, LabelExpression, Requirements } from "../../src/claims/claim.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import type { Random } from "./random.ts";

export interface Size {
  readonly hosts: number;
  readonly claims: number;
  readonly changes: number;
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

// "constructor" is an ordinary label key that every object seems to have.
export const SMALL: Size = {
  hosts: 6,
  claims: 7,
  changes: 16,
  keys: ["gpu", "zone", "constructor"],
  values: ["a", "b"],
};
export const LARGE: Size = {
  hosts: 90,
  claims: 90,
  changes: 400,
  keys: ["gpu", "zone", "rack", "disk", "net"],
  values: ["a", "b", "c", "d"],
};

export const POOL = "PhysicalHost/default";

export function aHost(name: string, more: Partial<Host> = {}): Host {
  return {
    kind: "PhysicalHost",
    namespace: "default",
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    labels: {},
    consumer: null,
    unavailable: "",
    deleting: false,
    reservedFor: null,
    hardware: null,
    ...more,
  };
}

export function aClaim(name: string, more: Partial<Claim> = {}): Claim {
  return {
    id: `Beskar7Machine/default/${name}`,
    consumer: { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name, uid: `uid-${name}` },
    pool: POOL,
    uid: `uid-${name}`,
    createdAtMs: 0,
    bonusPoints: 0,
    requirements: NO_REQUIREMENTS,
    ...more,
  };
}

export function randomHost(random: Random, size: Size): Host {
  const labels: Record<string, string> = {};
  for (const key of size.keys) if (random.chance(0.5)) labels[key] = random.pick(size.values);
  const number = (): number | null => random.pick([null, 2, 4, 8]);
  const hardware: Hardware | null = random.chance(0.5)
    ? null
    : { cpuCores: number(), memoryGB: number(), diskGB: number() };
  const reservedFor = random.chance(0.1)
    ? { namespace: random.pick(["default", "other"]), name: random.pick(["red", "blue"]) }
    : null;
  return aHost(`h${random.below(size.hosts)}`, { labels, hardware, reservedFor });
}

export function randomRequirements(random: Random, size: Size): Requirements {
  const tags = () => size.keys.filter(() => random.chance(0.15));
  const labels = () =>
    Object.fromEntries(
      size.keys.filter(() => random.chance(0.1)).map((key) => [key, random.pick(size.values)]),
    );
  const min = () => (random.chance(0.15) ? random.pick([1, 2, 3, 4, 5]) : 0);
  const expressions: LabelExpression[] = size.keys
    .filter(() => random.chance(0.1))
    .map((key) => ({
      key,
      operator: random.pick(["In", "NotIn", "Exists", "DoesNotExist", "AbsentOrIn"] as const),
      values: size.values.filter(() => random.chance(0.5)),
    }));
  return {
    requiredTags: tags(),
    preferredTags: tags(),
    requiredLabels: labels(),
    preferredLabels: labels(),
    expressions,
    minCPUCores: min(),
    minMemoryGB: min(),
    minDiskGB: min(),
    cluster: random.pick(["", "", "red", "blue"]),
  };
}

export function randomClaim(random: Random, size: Size): Claim {
  const name = `m${random.below(size.claims)}`;
  return aClaim(name, {
    // Names and uids in different orders, and times that tie with points now and then.
    uid: `uid-${(name.length * 7 + name.charCodeAt(name.length - 1) * 13) % 17}`,
    createdAtMs: random.below(6) * 30_000,
    bonusPoints: random.below(3),
    requirements: random.chance(0.3) ? NO_REQUIREMENTS : randomRequirements(random, size),
  });
}

/** One change of the world, as something that can be done to a queue or to a pair of maps. */
export type Change =
  | { readonly type: "setHost"; readonly host: Host }
  | { readonly type: "removeHost"; readonly uid: string }
  | { readonly type: "setClaim"; readonly claim: Claim }
  | { readonly type: "removeClaim"; readonly id: string };

export function randomChange(random: Random, size: Size): Change {
  const host = randomHost(random, size);
  const claim = randomClaim(random, size);
  const kind = random.next();
  if (kind < 0.35) return { type: "setHost", host };
  if (kind < 0.48) return { type: "removeHost", uid: host.uid };
  if (kind < 0.85) return { type: "setClaim", claim };
  return { type: "removeClaim", id: claim.id };
}

export interface World {
  readonly hosts: Host[];
  readonly claims: Claim[];
}

/** What is there after all the changes. */
export function worldAfter(changes: readonly Change[]): World {
  const hosts = new Map<string, Host>();
  const claims = new Map<string, Claim>();
  for (const change of changes) {
    if (change.type === "setHost") hosts.set(change.host.uid, change.host);
    else if (change.type === "removeHost") hosts.delete(change.uid);
    else if (change.type === "setClaim") claims.set(change.claim.id, change.claim);
    else claims.delete(change.id);
  }
  return { hosts: [...hosts.values()], claims: [...claims.values()] };
}
