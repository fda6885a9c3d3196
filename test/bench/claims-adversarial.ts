/** Worlds in which grouping helps nothing: every claim asks something of its own, every host has labels of its own. */
import type { Claim, Host } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "../claims/generate.ts";
import { Random } from "../claims/random.ts";
import { load } from "./claims-world.ts";
import type { Row } from "./main.ts";
import { heapBytes, processorMs, Samples } from "./measure.ts";

interface Inputs {
  readonly hosts: Host[];
  readonly claims: Claim[];
}

const DAY_S = 86_400;
const name = (i: number) => `host-${String(i).padStart(6, "0")}`;

/** 12 of 64 labels each; a claim asks for a combination of three. Each claim fits about 13 in 2000 hosts. */
function combinations(hostCount: number, claimCount: number, random: Random): Inputs {
  const tags = Array.from({ length: 64 }, (_, i) => `tag-${i}`);
  const seen = new Set<string>();
  const combination = (): string[] => {
    const three = random.shuffle(tags).slice(0, 3).sort();
    if (seen.has(three.join())) return combination();
    seen.add(three.join());
    return three;
  };
  return {
    hosts: Array.from({ length: hostCount }, (_, i) => {
      const own = random.shuffle(tags).slice(0, 12);
      return aHost(name(i), { labels: Object.fromEntries(own.map((tag) => [tag, ""])) });
    }),
    claims: Array.from({ length: claimCount }, (_, i) =>
      aClaim(`m${i}`, {
        createdAtMs: random.below(DAY_S) * 1000,
        requirements: { ...NO_REQUIREMENTS, requiredTags: combination() },
      }),
    ),
  };
}

/** Each claim names two hosts by a label that is each host's own. */
function ownLabels(hostCount: number, claimCount: number, random: Random): Inputs {
  return {
    hosts: Array.from({ length: hostCount }, (_, i) => aHost(name(i), { labels: { serial: `s${i}` } })),
    claims: Array.from({ length: claimCount }, (_, i) => {
      const values = [`s${i % hostCount}`, `s${random.below(hostCount)}`, `x${i}`];
      return aClaim(`m${i}`, {
        createdAtMs: random.below(DAY_S) * 1000,
        requirements: { ...NO_REQUIREMENTS, expressions: [{ key: "serial", operator: "In", values }] },
      });
    }),
  };
}

function rowsOf(title: string, make: (hosts: number, claims: number, random: Random) => Inputs): Row[] {
  const random = new Random(17);
  const { hosts, claims } = make(2_000, 10_000, random);
  const before = heapBytes();
  let queue = new ClaimQueue();
  const loadMs = processorMs(() => {
    queue = load(hosts, claims);
  });
  const bytes = heapBytes() - before;
  const questions = new Samples();
  const changes = new Samples();
  for (let n = 0; n < 3_000; n++) {
    const host = random.pick(hosts);
    const claim = random.pick(claims);
    changes.time(() => queue.removeHost(host.uid));
    changes.time(() => queue.setHost(host));
    changes.time(() => queue.removeClaim(claim.id));
    changes.time(() => queue.setClaim(claim));
    const asking = random.pick(claims);
    const { uid } = random.pick(hosts);
    questions.time(() => queue.displaced(asking, uid));
  }
  const half = make(1_000, 5_000, random);
  const beforeHalf = heapBytes();
  const smaller = load(half.hosts, half.claims);
  const halfBytes = heapBytes() - beforeHalf;
  smaller.removeHost("keeps the queue alive until here");
  return [
    ...questions.rows(`${title}: question, 2000 x 10000`, { p50: null, p99: 5_000 }),
    ...changes.rows(`${title}: change, 2000 x 10000`, { p50: null, p99: 5_000 }),
    { figure: `${title}: loading`, value: loadMs, unit: "ms", limit: 1_000 },
    { figure: `${title}: heap`, value: bytes / 1e6, unit: "MB", limit: null },
    {
      figure: `${title}: heap, times that of half the size`,
      value: bytes / halfBytes,
      unit: "x",
      limit: 2.5,
    },
  ];
}

export function adversarialRows(): Row[] {
  return [...rowsOf("own combinations", combinations), ...rowsOf("own labels", ownLabels)];
}
