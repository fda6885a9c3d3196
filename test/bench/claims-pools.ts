/** Many small pools: what each needs of the heap, and what the first question to one that rests takes. */
import type { Claim, Host, Requirements } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { Random } from "../claims/random.ts";
import { claim, host, REQUIREMENTS } from "./claims-world.ts";
import type { Row } from "./main.ts";
import { heapBytes, Samples } from "./measure.ts";

const POOLS = 10_000;

interface Members {
  readonly hosts: readonly Host[];
  readonly claims: readonly Claim[];
}

type RequirementsOf = (pool: number, i: number) => Requirements;

/** Most hosts are a class of their own. */
const varied: RequirementsOf = (p, i) => REQUIREMENTS[(p * 3 + i * 17) % 50]!;

function membersOf(requirementsOf: RequirementsOf): Members[] {
  const random = new Random(3);
  return Array.from({ length: POOLS }, (_, p) => {
    const namespace = `team-${p}`;
    return {
      hosts: Array.from({ length: 10 }, (_, i) => ({
        ...host(i, random),
        uid: `${p}-${i}`,
        namespace,
      })),
      claims: Array.from({ length: 3 }, (_, i) => ({
        ...claim(i, random),
        id: `Beskar7Machine/${namespace}/m${i}`,
        pool: `PhysicalHost/${namespace}`,
        requirements: requirementsOf(p, i),
      })),
    };
  });
}

function entered(pools: readonly Members[], readyPools?: number): ClaimQueue {
  const queue = new ClaimQueue(readyPools);
  for (const { hosts, claims } of pools) {
    for (const each of hosts) queue.setHost(each);
    for (const each of claims) queue.setClaim(each);
  }
  return queue;
}

function bytesAPool(
  title: string,
  requirementsOf: RequirementsOf,
  limit: number | null,
  readyPools?: number,
): Row {
  const pools = membersOf(requirementsOf);
  const before = heapBytes();
  const queue = entered(pools, readyPools);
  const value = (heapBytes() - before) / pools.length;
  queue.removeHost("keeps the queue alive until here");
  const figure = `heap a pool, ${POOLS} pools of 10 hosts and 3 claims ${title}`;
  return { figure, value, unit: "bytes", limit };
}

/** Each question builds one pool and lays another one down, as it is where more pools are asked than stay ready. */
function wakingRows(): Row[] {
  const pools = membersOf(varied);
  const queue = entered(pools, 1);
  const samples = new Samples();
  for (const { hosts, claims } of pools) samples.time(() => queue.displaced(claims[0]!, hosts[0]!.uid));
  return samples.rows(`first question to a pool that rests, ${POOLS} pools`, { p50: null, p99: null });
}

export function poolRows(): Row[] {
  return [
    bytesAPool("that ask for nothing", () => NO_REQUIREMENTS, 4_096),
    bytesAPool("that ask for one zone", (p) => REQUIREMENTS[p % 10]!, 4_096),
    bytesAPool("of three kinds out of 50", varied, 4_096),
    bytesAPool("of three kinds, all of them ready", varied, null, POOLS),
    bytesAPool("of three kinds, all at rest", varied, null, 1),
    ...wakingRows(),
  ];
}
