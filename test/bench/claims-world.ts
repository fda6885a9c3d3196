/** Large generated worlds for the decision core: 50 kinds of requirements, 200 classes of hosts. */
import type { Claim, Host, Requirements } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "../claims/generate.ts";
import type { Random } from "../claims/random.ts";

const ZONES = Array.from({ length: 10 }, (_, i) => `zone-${i}`);
const MODELS = Array.from({ length: 20 }, (_, i) => `model-${i}`);
const DAY_MS = 86_400_000;

/** Zone and model make 200 classes, since every zone and every model is mentioned; nothing mentions the rest. */
export function host(i: number, random: Random): Host {
  const labels = {
    "kubernetes.io/hostname": `node-${i}`,
    model: random.pick(MODELS),
    rack: `rack-${i % 100}`,
    zone: random.pick(ZONES),
  };
  return aHost(`host-${String(i).padStart(6, "0")}`, { uid: `5f0c9d5e-${i}`, labels });
}

/** 50 requirements: by zone, by models, by both, and with preferences. */
export const REQUIREMENTS: readonly Requirements[] = Array.from({ length: 50 }, (_, i): Requirements => {
  const zone = ZONES[i % 10]!;
  const model = (step: number) => MODELS[(i * 7 + step * 3) % 20]!;
  const models = (count: number) => [
    {
      key: "model",
      operator: "In" as const,
      values: Array.from({ length: count }, (_, step) => model(step)),
    },
  ];
  if (i < 10) return { ...NO_REQUIREMENTS, requiredLabels: { zone } };
  if (i < 30) return { ...NO_REQUIREMENTS, expressions: models(2 + (i % 3)) };
  if (i < 40) return { ...NO_REQUIREMENTS, requiredLabels: { zone }, expressions: models(5) };
  return { ...NO_REQUIREMENTS, expressions: models(4), preferredLabels: { zone } };
});

export function claim(i: number, random: Random): Claim {
  return aClaim(`machine-${i}`, {
    createdAtMs: random.below(DAY_MS / 1000) * 1000,
    requirements: random.pick(REQUIREMENTS),
  });
}

export interface World {
  readonly queue: ClaimQueue;
  readonly hosts: Host[];
  readonly claims: Claim[];
}

export function world(hostCount: number, claimCount: number, random: Random): World {
  const hosts = Array.from({ length: hostCount }, (_, i) => host(i, random));
  const claims = Array.from({ length: claimCount }, (_, i) => claim(i, random));
  return { queue: load(hosts, claims), hosts, claims };
}

export function load(hosts: readonly Host[], claims: readonly Claim[]): ClaimQueue {
  const queue = new ClaimQueue();
  queue.load(() => {
    for (const each of hosts) queue.setHost(each);
    for (const each of claims) queue.setClaim(each);
  });
  return queue;
}
