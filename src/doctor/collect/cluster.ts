import { type Host, sameConsumer } from "../../claims/claim.ts";
import { typeOfConsumer } from "../../coordinator/consumer-object.ts";
import { fieldsOf, textOf } from "../../hosts/fields.ts";
import { profileForKind, profileForMachineKind, profiles } from "../../hosts/profiles.ts";
import type { KubeApi, ResourceType } from "../../kube/api.ts";
import { listAll } from "../../kube/list-all.ts";
import { CLAIM_REQUESTS, EVENTS } from "../../kube/types.ts";
import { WaitingReasons } from "../../queue/waiting-reasons.ts";
import type { ClaimEvent, ClusterFacts } from "../snapshot.ts";
import { worldOf } from "../world.ts";
import { orNull } from "./reading.ts";

/** More hosts than this are not looked at a second time. */
const CONFIRMED = 50;

/**
 * Hosts, machines and requests of all namespaces. Hosts of consumers that are gone, and free ones that somebody waits
 * for, are looked at once more after `patience`: both are ordinary for a moment. Rejects with a KubeError.
 */
export async function readCluster(api: KubeApi, patience: Promise<unknown>): Promise<ClusterFacts> {
  const types = [...profiles.flatMap(({ hostType, machineType }) => [hostType, machineType]), CLAIM_REQUESTS];
  const lists = await Promise.all(types.map(async (type) => ({ type, list: await listAll(api, type, "") })));
  const served = lists.filter(({ list }) => list !== null).map(({ type }) => type.kind);
  const listed = (wanted: (type: ResourceType) => boolean) =>
    lists.filter(({ type }) => wanted(type)).flatMap(({ list }) => list?.items ?? []);
  const objects = {
    hosts: listed((type) => profiles.some(({ hostType }) => hostType === type)),
    machines: listed((type) => profiles.some(({ machineType }) => machineType === type)),
    requests: listed((type) => type === CLAIM_REQUESTS),
    served,
  };
  const world = worldOf(objects);
  const suspects = [...world.hosts()]
    .filter(({ consumer }) => consumer !== null && world.isGone(consumer))
    .slice(0, CONFIRMED);
  const reasons = new WaitingReasons(world);
  const expected = world.queue
    .pools()
    .flatMap(({ pool }) => world.queue.waiting(pool).slice(0, CONFIRMED))
    .flatMap((claim) => reasons.nextHost(claim) ?? [])
    .slice(0, CONFIRMED);
  await patience;
  const orphans = await uidsOf(suspects, async (host) => {
    return (await isUnchanged(api, host)) && (await hasNoConsumer(api, host));
  });
  const stillFree = await uidsOf(expected, (host) => isUnchanged(api, host));
  return { ...objects, world, orphans, stillFree };
}

async function uidsOf(hosts: readonly Host[], holds: (host: Host) => Promise<boolean>): Promise<string[]> {
  const uids: string[] = [];
  for (const host of hosts) if (await holds(host)) uids.push(host.uid);
  return uids;
}

async function hasNoConsumer(api: KubeApi, { consumer }: Host): Promise<boolean> {
  const type = consumer === null ? undefined : typeOfConsumer(consumer, profileForMachineKind);
  if (consumer === null || type === undefined) return false;
  const { namespace, name, uid } = consumer;
  const object = await orNull(api.get(type, { namespace, name }));
  return object === null || (uid !== "" && object.metadata.uid !== uid);
}

/** Whether the same host is still held by the same consumer, or still by nobody. */
async function isUnchanged(api: KubeApi, { kind, namespace, name, uid, consumer }: Host): Promise<boolean> {
  const profile = profileForKind(kind);
  const object = profile === undefined ? null : await orNull(api.get(profile.hostType, { namespace, name }));
  if (profile === undefined || object === null || object.metadata.uid !== uid) return false;
  const now = profile.readConsumerRef(object);
  return now === null || consumer === null ? now === consumer : sameConsumer(now, consumer);
}

/** Rejected claims that replicas reported, of all namespaces; Kubernetes keeps Events for an hour. */
export async function readClaimEvents(api: KubeApi): Promise<ClaimEvent[]> {
  const { items } = await api.list(EVENTS, { fieldSelector: `source=${REPORTER}` });
  return items.flatMap((event) => {
    const reason = textOf(event.reason);
    if (!reason.startsWith("Claim") || reason === "Claimed") return [];
    const about = fieldsOf(event.involvedObject);
    return {
      consumer: `${textOf(about.namespace)}/${textOf(about.name)}`,
      reason: reason.slice("Claim".length),
      message: textOf(event.message),
      atMs: Date.parse(textOf(event.lastTimestamp)),
      times: typeof event.count === "number" ? event.count : 1,
    };
  });
}

const REPORTER = "beskar7-claim-coordinator";
