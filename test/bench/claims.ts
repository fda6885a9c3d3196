/** The decision core at size: the figures that the design asks for. */
import { Random } from "../claims/random.ts";
import { adversarialRows } from "./claims-adversarial.ts";
import { memoryRows } from "./claims-memory.ts";
import { poolRows } from "./claims-pools.ts";
import { claim, REQUIREMENTS, type World, world } from "./claims-world.ts";
import type { Bench, Row } from "./main.ts";
import { processorMs, Samples, spread } from "./measure.ts";

const QUESTIONS = 20_000;

/** Takes out one host or claim and puts another in, so that no answer can be remembered from before. */
function disturb({ queue, hosts, claims }: World, random: Random, n: number): void {
  if (n % 2 === 0) {
    const host = random.pick(hosts);
    queue.removeHost(host.uid);
    queue.setHost(host);
  } else {
    const claim = random.pick(claims);
    queue.removeClaim(claim.id);
    queue.setClaim(claim);
  }
}

/** The question, each time just after a change. */
function questions(hosts: number, claims: number): Samples {
  const random = new Random(hosts + claims);
  const place = world(hosts, claims, random);
  const samples = new Samples();
  for (let n = -QUESTIONS / 4; n < QUESTIONS; n++) {
    disturb(place, random, Math.abs(n));
    const asking = random.pick(place.claims);
    const { uid } = random.pick(place.hosts);
    if (n < 0) place.queue.displaced(asking, uid);
    else samples.time(() => place.queue.displaced(asking, uid));
  }
  return samples;
}

function questionRows(): Row[] {
  const rows: Row[] = [];
  const limits = { p50: 10, p99: 20 };
  const sizes = [
    [1_000, 100],
    [10_000, 2_000],
    [100_000, 10_000],
    [9_500, 10_000],
    [1_000, 10_000],
  ] as const;
  const byName = new Map<string, Samples>();
  for (const [hosts, claims] of sizes) {
    const name = `question, ${hosts} hosts x ${claims} waiting`;
    const samples = questions(hosts, claims);
    byName.set(name, samples);
    rows.push(...samples.rows(name, limits));
  }
  for (const [small, big] of [
    [
      [95, 100],
      [9_500, 10_000],
    ],
    [
      [1_000, 100],
      [100_000, 10_000],
    ],
  ] as const) {
    const before = questions(small[0], small[1]).percentile(50);
    const after = byName.get(`question, ${big[0]} hosts x ${big[1]} waiting`)!.percentile(50);
    rows.push({
      figure: `question, p50 at ${big[0]} x ${big[1]} where ${small[0]} x ${small[1]} takes ${before.toFixed(2)} us`,
      value: after,
      unit: "us",
      limit: Math.max(2 * before, before + 2),
    });
  }
  return rows;
}

/** Every kind of single change, mixed, and each by its own. */
function changeRows(hosts: number, claims: number): Row[] {
  const random = new Random(hosts * 3 + claims);
  const place = world(hosts, claims, random);
  const { queue } = place;
  const all = {
    "host claimed": new Samples(),
    "host freed": new Samples(),
    "host relabelled": new Samples(),
    "host unchanged in what matters": new Samples(),
    "claim added": new Samples(),
    "claim removed": new Samples(),
    "claim re-prioritised": new Samples(),
  };
  for (let n = 0; n < 20_000; n++) {
    const host = random.pick(place.hosts);
    const other = random.pick(place.hosts);
    all["host claimed"].time(() => queue.removeHost(host.uid));
    all["host freed"].time(() => queue.setHost(host));
    const relabelled = { ...host, labels: { ...host.labels, zone: other.labels.zone! } };
    all["host relabelled"].time(() => queue.setHost(relabelled));
    queue.setHost(host);
    const touched = { ...host, resourceVersion: String(n), labels: { ...host.labels, rack: "moved" } };
    all["host unchanged in what matters"].time(() => queue.setHost(touched));
    const old = random.pick(place.claims);
    all["claim removed"].time(() => queue.removeClaim(old.id));
    all["claim added"].time(() => queue.setClaim(old));
    const raised = { ...old, bonusPoints: random.below(1_000) };
    all["claim re-prioritised"].time(() => queue.setClaim(raised));
    queue.setClaim(old);
  }
  return Object.entries(all).flatMap(([name, samples]) =>
    samples.rows(`${name}, ${hosts} x ${claims}`, { p50: 20, p99: 50 }),
  );
}

/** A requirement whose word nobody has mentioned before, so that every host has to be looked at. */
function newKindRows(): Row[] {
  const random = new Random(5);
  const { queue } = world(100_000, 10_000, random);
  const rare = new BothClocks();
  const common = new BothClocks();
  for (let n = 0; n < 30; n++) {
    const base = claim(1_000_000 + n, random);
    const requirements = REQUIREMENTS[0]!;
    const byHost = { ...base, requirements: { ...requirements, requiredTags: [`gpu-${n}`] } };
    rare.time(() => queue.setClaim(byHost));
    const value = { rack: `rack-${n}` };
    const byRack = { ...base, id: `rack-${n}`, requirements: { ...requirements, requiredLabels: value } };
    common.time(() => queue.setClaim(byRack));
  }
  return [
    ...rare.rows("new kind, by a label that no host has, 100000 hosts", 10),
    ...common.rows("new kind, by a label that every host has, 100000 hosts", 10),
  ];
}

/** Processor time, for which a limit can be set, and what the clock on the wall says of the same calls. */
class BothClocks {
  private readonly processor: number[] = [];
  private readonly wall: number[] = [];

  time(call: () => void): void {
    const startedMs = performance.now();
    this.processor.push(processorMs(call));
    this.wall.push(performance.now() - startedMs);
  }

  rows(figure: string, limit: number): Row[] {
    return [...spread(figure, this.processor, limit), ...spread(`${figure}, by the clock`, this.wall, null)];
  }
}

function placeRows(): Row[] {
  return [10_000, 100_000, 9_500].flatMap((hosts) => {
    const { queue } = world(hosts, 10_000, new Random(hosts));
    const durations: number[] = [];
    let placed = 0;
    for (let n = 0; n < 7; n++) durations.push(processorMs(() => (placed = [...queue.place()].length)));
    return spread(`placing ${placed} of 10000 claims on ${hosts} hosts`, durations, 100);
  });
}

function chooseRows(): Row[] {
  const random = new Random(11);
  const { queue, claims } = world(9_500, 10_000, random);
  const samples = new Samples();
  for (let n = 0; n < 5_000; n++) {
    const { id } = random.pick(claims);
    samples.time(() => queue.choose(id));
  }
  return samples.rows("the processor's choice, 9500 x 10000", { p50: null, p99: null });
}

export const claimsBench: Bench = {
  name: "claims",
  run: async () => [
    ...questionRows(),
    ...changeRows(10_000, 2_000),
    ...changeRows(100_000, 10_000),
    ...changeRows(9_500, 10_000),
    ...newKindRows(),
    ...placeRows(),
    ...chooseRows(),
    ...adversarialRows(),
    ...memoryRows(),
    ...poolRows(),
  ],
};
