import { X509Certificate } from "node:crypto";
import { isClaimable } from "../../src/coordinator/facts.ts";
import { readLease } from "../../src/leader/lease.ts";
import type { Cluster, ReplicaMember } from "./cluster.ts";
import type { Deeds } from "./deeds.ts";
import { NAMESPACE, SYSTEM_NAMESPACE } from "./server.ts";
import { LEASES, type Stored } from "./stored.ts";

/** Of the only pool that there is. */
const POOL = `${NAMESPACE} PhysicalHost`;

/** Where a gauge of a replica that runs says something else than what is stored, in sentences. */
export async function gaugeProblems(
  { replicas }: Cluster,
  stored: Stored,
  deedsOf: (member: ReplicaMember) => Readonly<Deeds>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const member of replicas) {
    if (!member?.process.alive) continue;
    for (const [name, wanted] of expected(member, stored, deedsOf(member))) {
      const told = await member.tally.gauge(name);
      const shown = (values: ReadonlyMap<string, number>) => JSON.stringify([...values]);
      if (shown(told) !== shown(wanted))
        problems.push(`${member.pod} measures ${name} ${shown(told)}, and it is ${shown(wanted)}`);
    }
  }
  return problems;
}

function* expected(
  member: ReplicaMember,
  stored: Stored,
  deeds: Readonly<Deeds>,
): Iterable<[gauge: string, values: Map<string, number>]> {
  const { process, identity, serving } = member;
  const waiting = stored.waiting();
  const named = stored.named();
  const free = stored.hosts().filter((host) => isClaimable(host) && !named.has(host.uid));
  const oldestMs = Math.min(...waiting.map(({ createdAtMs }) => createdAtMs));
  const lease = stored.objects(LEASES).map(readLease)[0];
  const leads = lease?.holderIdentity === identity;
  yield ["queue_depth", someOf(POOL, waiting.length)];
  yield ["free_hosts", someOf(POOL, free.length)];
  yield [
    "oldest_wait_seconds",
    someOf(POOL, waiting.length === 0 ? 0 : Math.max(0, process.wallMs() - oldestMs) / 1000),
  ];
  yield [
    "leadership_duration_seconds",
    someOf(`${SYSTEM_NAMESPACE} ${identity}`, leads ? (process.monotonicMs() - deeds.ledFromMs) / 1000 : 0),
  ];
  yield ["registration_differences", new Map()];
  yield ["holder_unmatched", new Map()];
  if (serving !== null) yield ["certificate_expiry_timestamp_seconds", someOf("", expiresAtSeconds(stored))];
}

function someOf(key: string, value: number): Map<string, number> {
  return new Map(value === 0 ? [] : [[key, value]]);
}

/** Of the serving certificate that is stored; 0: none is, just now. */
function expiresAtSeconds(stored: Stored): number {
  const [secret] = stored.objects("secrets");
  const { "tls.crt": pem = "" } = (secret?.data ?? {}) as Record<string, string>;
  if (pem === "") return 0;
  return new X509Certificate(Buffer.from(pem, "base64")).validToDate.getTime() / 1000;
}
