import { consumerKey } from "../../claims/claim.ts";
import type { World } from "../../coordinator/world.ts";
import { MODE_ANNOTATION } from "../../hosts/annotations.ts";
import { annotationsOf, createdAtMs } from "../../hosts/fields.ts";
import { profileForKind } from "../../hosts/profiles.ts";
import type { KubeObject } from "../../kube/api.ts";
import { count, type Finding, ok, problem, several } from "../finding.ts";
import type { ClusterFacts, Snapshot } from "../snapshot.ts";

const resource = (kind: string) => profileForKind(kind)?.hostType.plural ?? kind.toLowerCase();

const release = (host: { kind: string; namespace: string; name: string }) =>
  `kubectl patch ${resource(host.kind)} -n ${host.namespace} ${host.name} --type merge -p '{"spec":{"consumerRef":null}}'`;

/** Who holds hosts, and whether they may, can, and were asked. */
export function checkHosts({ cluster, registrations }: Snapshot): Finding[] {
  if (!cluster.ok) return [];
  const facts = cluster.value;
  const { world } = facts;
  const registered = registrations.ok ? registrations.value.flatMap(({ actual }) => actual ?? []) : [];
  const findings = [...holdingSeveral(world), ...orphaned(facts), ...claimedAtArrival(facts, registered)];
  if (findings.length > 0) return findings;
  const held = [...world.hosts()].filter(({ consumer }) => consumer !== null).length;
  return [
    ok("hosts", `${count(facts.hosts.length, "host")}, ${held} of them held, each by a consumer of its own`),
  ];
}

function holdingSeveral(world: World): Finding[] {
  return [...world.consumers()].flatMap(([, { kind, hosts }]) => {
    const held = [...hosts.values()];
    const [first, second] = held;
    if (first?.consumer == null || second === undefined) return [];
    const { namespace, name } = first.consumer;
    const names = several(held.map((host) => `${host.namespace}/${host.name}`));
    const what = `${kind} ${namespace}/${name} holds ${count(held.length, "host")}: ${names}`;
    return [problem("ConsumerHoldsSeveral", "error", what, release(second))];
  });
}

function orphaned({ orphans, world }: ClusterFacts): Finding[] {
  return orphans.flatMap((uid) => {
    const host = world.host(uid);
    if (host?.consumer == null) return [];
    const { kind, namespace, name } = host.consumer;
    const what = `${host.kind} ${host.namespace}/${host.name} names ${kind} ${namespace}/${name}, which does not exist`;
    return [problem("ConsumerMissing", "warning", what, release(host))];
  });
}

/**
 * Every reviewed claim is stamped, so a held host without a stamp was claimed before there was a review (which is how
 * a migration begins), or arrived claimed later.
 */
function claimedAtArrival({ hosts }: ClusterFacts, registrations: readonly KubeObject[]): Finding[] {
  if (registrations.length === 0) return [];
  const registeredAtMs = Math.max(...registrations.map(createdAtMs));
  return hosts.flatMap((object) => {
    const consumer = profileForKind(object.kind ?? "")?.readConsumerRef(object) ?? null;
    const stamped = Object.hasOwn(annotationsOf(object), MODE_ANNOTATION);
    if (consumer === null || stamped || createdAtMs(object) <= registeredAtMs) return [];
    const { kind = "", metadata } = object;
    const what = `${kind} ${metadata.namespace}/${metadata.name} arrived claimed by ${consumerKey(consumer)}`;
    const mend = `kubectl get ${resource(kind)} -n ${metadata.namespace} ${metadata.name} -o yaml`;
    return [problem("HostClaimedAtArrival", "warning", what, mend)];
  });
}

/** What people wrote and the service can't read. */
export function checkAnnotations({ cluster }: Snapshot): Finding[] {
  if (!cluster.ok) return [];
  const findings = [...cluster.value.world.consumers()].flatMap(([, { machine }]) =>
    (machine?.problems ?? []).map((line) => {
      const { kind, namespace, name } = machine!;
      const mend = `kubectl edit ${kind.toLowerCase()} -n ${namespace} ${name}`;
      return problem("MalformedAnnotation", "warning", `${kind} ${namespace}/${name}: ${line}`, mend);
    }),
  );
  const machines = count(cluster.value.machines.length, "machine");
  return findings.length > 0 ? findings : [ok("annotations", `${machines}, what they ask for can be read`)];
}
