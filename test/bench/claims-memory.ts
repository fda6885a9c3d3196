/** What the queue itself needs of the heap. Hosts and claims are the caller's: its mirror has them anyway. */
import type { Host } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { aClaim, aHost } from "../claims/generate.ts";
import { Random } from "../claims/random.ts";
import { host, REQUIREMENTS, world } from "./claims-world.ts";
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
    leftBehind(),
  ];
}
