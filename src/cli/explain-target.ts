import type { Host } from "../claims/claim.ts";
import type { World } from "../coordinator/world.ts";
import { profiles } from "../hosts/profiles.ts";
import type { ConsumerName } from "../queue/entries.ts";

/** What `explain` was asked about, found in the world. */
export type Target =
  | { readonly type: "machine"; readonly machine: ConsumerName }
  | { readonly type: "host"; readonly host: Host }
  /** What to say instead, and the exit code: 2 for words that can't be understood, 1 for what is not there. */
  | { readonly type: "problem"; readonly problem: string; readonly exitCode: 1 | 2 };

const HOST_KINDS = profiles.map(({ hostType }) => hostType.kind);
const MACHINE_KINDS = profiles.map(({ machineKind }) => machineKind);
const REQUEST_WORDS = ["request", "claimrequest", "claimrequests", "claimreq"];

/**
 * `[KIND/]NAME`: without a kind a machine is looked for first, then a host. "" for the namespace: all of them. Also
 * takes NAMESPACE/NAME, as the queue's table has it.
 */
export function findTarget(world: World, argument: string, namespace: string): Target {
  const slash = argument.indexOf("/");
  const name = argument.slice(slash + 1);
  if (slash === -1) return findAny(world, name, namespace);
  const word = argument.slice(0, slash).toLowerCase();
  const none = `no ${word} ${name} is known${namespace === "" ? "" : ` in namespace ${namespace}`}`;
  const machineKinds = word === "machine" ? MACHINE_KINDS : kindsOf(word, MACHINE_KINDS);
  if (machineKinds.length > 0) return asMachine(machinesNamed(world, name, namespace, machineKinds), none);
  const hostKinds = word === "host" ? HOST_KINDS : kindsOf(word, HOST_KINDS);
  if (hostKinds.length > 0) return asHost(hostsNamed(world, name, namespace, hostKinds), none);
  if (REQUEST_WORDS.includes(word)) {
    const requests = [...world.requests()].filter((request) => request.name === name);
    const consumers = requests.filter(isIn(namespace)).map(({ consumer }) => consumer);
    return asMachine(consumers, none);
  }
  const named = findAny(world, name, word);
  if (named.type !== "problem" && (namespace === "" || namespace === word)) return named;
  const problem = `${word} is no kind that can be explained: machine/NAME, host/NAME, request/NAME, or a kind's own name`;
  return { type: "problem", problem, exitCode: 2 };
}

function findAny(world: World, name: string, namespace: string): Target {
  const machines = machinesNamed(world, name, namespace, null);
  if (machines.length > 0) return asMachine(machines, "");
  return asHost(hostsNamed(world, name, namespace, HOST_KINDS), `no machine and no host ${name} is known`);
}

function asMachine(candidates: readonly ConsumerName[], none: string): Target {
  const [first] = candidates;
  if (first === undefined || candidates.length > 1) return unclear(candidates, none);
  const { kind, namespace, name } = first;
  return { type: "machine", machine: { kind, namespace, name } };
}

function asHost(candidates: readonly Host[], none: string): Target {
  const [first] = candidates;
  return first === undefined || candidates.length > 1
    ? unclear(candidates, none)
    : { type: "host", host: first };
}

function unclear(candidates: readonly ConsumerName[], none: string): Target {
  if (candidates.length === 0) return { type: "problem", problem: none, exitCode: 1 };
  const choices = candidates.map(
    ({ kind, namespace, name }) => `explain -n ${namespace} ${kind.toLowerCase()}/${name}`,
  );
  return { type: "problem", problem: ["several have that name:", ...choices].join("\n  "), exitCode: 1 };
}

const isIn = (namespace: string) => (place: { namespace: string }) =>
  namespace === "" || place.namespace === namespace;

/** Singular or plural, in any case, as kubectl takes them. */
function kindsOf(word: string, kinds: readonly string[]): string[] {
  return kinds.filter((kind) => word === kind.toLowerCase() || word === `${kind.toLowerCase()}s`);
}

/** Consumers of these kinds; null: of any kind. */
function machinesNamed(
  world: World,
  name: string,
  namespace: string,
  kinds: readonly string[] | null,
): ConsumerName[] {
  const named: ConsumerName[] = [];
  for (const [, facts] of world.consumers()) {
    const consumer = facts.machine ?? facts.request?.consumer;
    if (consumer?.name === name && (kinds === null || kinds.includes(consumer.kind))) named.push(consumer);
  }
  return named.filter(isIn(namespace));
}

function hostsNamed(world: World, name: string, namespace: string, kinds: readonly string[]): Host[] {
  return [...world.hosts()]
    .filter((host) => host.name === name && kinds.includes(host.kind))
    .filter(isIn(namespace));
}
