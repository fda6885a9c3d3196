/** What the queue itself needs of the heap. Hosts and claims are the caller's: its mirror has them anyway. */
import type { Host, Requirements } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "../claims/generate.ts";
import { Random } from "../claims/random.ts";
import { claim, host, REQUIREMENTS, world } from "./claims-world.ts";
import type { Row } from "./main.ts";
import { heapBytes } from "./measure.ts";

const HOSTS = 100_000;

function bytesAHost(figure: string, hosts: readonly Host[]): Row {
  const kinds = REQUIREMENTS.map((requirements, i) => aClaim(`kind-${i}`, { requirements }));
  const before = heapBytes();
  const queue = new ClaimQueue();
  for (const each of hosts) queue.setHost(each);
  for (const each of kinds) queue.setClaim(each);
  const value = (heapBytes() - before) / hosts.length;
  queue.removeHost("keeps the queue alive until here");
  return { figure, value, unit: "bytes", limit: 100 };
}

function bytesAPool(
  title: string,
  requirementsOf: (pool: number, i: number) => Requirements,
  limit: number | null,
): Row {
  const random = new Random(3);
  const pools = Array.from({ length: 10_000 }, (_, p) => {
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
  const before = heapBytes();
  const queue = new ClaimQueue();
  for (const { hosts, claims } of pools) {
    for (const each of hosts) queue.setHost(each);
    for (const each of claims) queue.setClaim(each);
  }
  const value = (heapBytes() - before) / pools.length;
  queue.removeHost("keeps the queue alive until here");
  return {
    figure: `heap a pool, 10000 pools of 10 hosts and 3 claims ${title}`,
    value,
    unit: "bytes",
    limit,
  };
}

/** A million changes that end where they began, with words and kinds that come and go. */
function leftBehind(): Row {
  const random = new Random(23);
  const { queue, hosts, claims } = world(2_000, 1_000, random);
  const churn = (changes: number) => {
    for (let n = 0; n < changes; n += 4) {
      const some = random.pick(hosts);
      queue.removeHost(some.uid);
      queue.setHost(some);
      const rack = { rack: `rack-${random.below(100)}`, [`once-${n % 977}`]: "yes" };
      const guest = aClaim("guest", { requirements: { ...REQUIREMENTS[0]!, requiredLabels: rack } });
      queue.setClaim(n % 100 === 0 ? guest : { ...random.pick(claims), bonusPoints: random.below(100) });
      queue.removeClaim("guest");
    }
    for (const each of claims) queue.setClaim(each);
  };
  churn(200_000);
  const before = heapBytes();
  churn(1_000_000);
  const value = (heapBytes() - before) / 1024;
  queue.removeHost("keeps the queue alive until here");
  return { figure: "left behind by a million changes", value, unit: "KiB", limit: 64 };
}

export function memoryRows(): Row[] {
  const random = new Random(29);
  const plain = Array.from({ length: HOSTS }, (_, i) => host(i, random));
  const unique = Array.from({ length: HOSTS }, (_, i) =>
    aHost(`host-${i}`, {
      labels: { [`asset-${i}`]: "yes", zone: `zone-${i % 10}`, model: `model-${i % 20}` },
    }),
  );
  return [
    bytesAHost("heap a host, 100000 hosts", plain),
    bytesAHost("heap a host, 100000 hosts with a label of its own each", unique),
    bytesAPool("that ask for nothing", () => NO_REQUIREMENTS, 4_096),
    bytesAPool("that ask for one zone", (p) => REQUIREMENTS[p % 10]!, 4_096),
    bytesAPool("of three kinds out of 50", (p, i) => REQUIREMENTS[(p * 3 + i * 17) % 50]!, 4_096),
    leftBehind(),
  ];
}
