import { stealGuardObjects } from "../../webhooks/steal-guard.ts";
import { type Clock, sleep } from "../clock.ts";
import type { KubeApi, KubeObject, ObjectKey, ResourceType } from "../kube/api.ts";
import { isConflict, isNotFound, KubeError } from "../kube/errors.ts";
import { CLAIM_REQUESTS, CUSTOM_RESOURCE_DEFINITIONS, LEASES, SECRETS } from "../kube/types.ts";
import { FINALIZER, readClaimRequest } from "../requests/claim-request.ts";
import { LABELS, type Names } from "./install-names.ts";
import { installObjects } from "./install-objects.ts";
import { installedType } from "./install-types.ts";

export interface UninstallOptions {
  api: KubeApi;
  clock: Clock;
  names: Names;
  /** The Lease to remove with the rest; null leaves it, as another elector's must be. */
  leaseName: string | null;
  /** Print what would be removed and do nothing. */
  dryRun: boolean;
  /** Takes whole lines, without a line feed at the end. */
  print(text: string): void;
  signal?: AbortSignal;
}

/** How long the API server may take to remove the last requests and their definition. */
const GONE_WITHIN_MS = 60_000;
const POLL_MS = 200;
const PAGE = 500;

/**
 * Removes what `install` made, in the order that can't wedge a cluster, and can be repeated:
 * 1. both registrations, so that no claim waits for a service that goes away, and the policies of steal-guard, which
 *    would go on to refuse writes for a service that nobody remembers;
 * 2. the service's rights, so that a replica that still runs makes no new requests;
 * 3. finalizers, then requests: nobody is left to take a finalizer off;
 * 4. the Secret and the Lease;
 * 5. the definition, which the API server removes only when no request is left.
 * Namespaces stay, since they may hold more than this service. Returns the exit code: 0, or 1 where something is left.
 */
export async function uninstall(options: UninstallOptions): Promise<number> {
  const { print, names, leaseName } = options;
  try {
    const installed = installObjects(names, { target: { url: "https://unused" } });
    const ofKind = (test: RegExp) => installed.filter(({ kind }) => test.test(kind ?? ""));
    for (const object of ofKind(/WebhookConfiguration$/)) await removeOurs(options, object);
    // Each binding before its policy.
    for (const object of stealGuardObjects(LABELS).reverse()) await removeOurs(options, object);
    const rights = ofKind(/Role|ServiceAccount|FlowSchema|PriorityLevel/).reverse();
    for (const object of rights) await removeOurs(options, object);
    await removeRequests(options);
    await remove(options, SECRETS, { namespace: names.namespace, name: names.certSecret });
    if (leaseName !== null) {
      await remove(options, LEASES, { namespace: names.leaseNamespace, name: leaseName });
    }
    for (const object of ofKind(/^CustomResourceDefinition$/)) await removeDefinition(options, object);
    return 0;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    print(`failed: ${error.message}`);
    return 1;
  }
}

const describe = (type: ResourceType, { namespace, name }: ObjectKey) =>
  namespace === undefined ? `${type.kind} ${name}` : `${type.kind} ${namespace}/${name}`;

/** Leaves an object alone that has the name of ours and was made by somebody else. */
async function removeOurs(options: UninstallOptions, wanted: KubeObject): Promise<boolean> {
  const type = installedType(wanted.kind);
  const { namespace, name } = wanted.metadata;
  const key = { namespace, name };
  const found = await find(options, type, key);
  if (found === undefined) return false;
  const [label, value] = Object.entries(LABELS)[0]!;
  if (found.metadata.labels?.[label] !== value) {
    options.print(`${describe(type, key)} left alone: it lacks the label ${label}=${value}`);
    return false;
  }
  return remove(options, type, key);
}

async function find({ api, signal }: UninstallOptions, type: ResourceType, key: ObjectKey) {
  try {
    return await api.get(type, key, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function remove(options: UninstallOptions, type: ResourceType, key: ObjectKey): Promise<boolean> {
  const { api, dryRun, print, signal } = options;
  if (dryRun) {
    if ((await find(options, type, key)) !== undefined) print(`${describe(type, key)} would be removed`);
    return false;
  }
  try {
    await api.delete(type, key, { propagationPolicy: "Background", signal });
    print(`${describe(type, key)} removed`);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function removeRequests(options: UninstallOptions): Promise<void> {
  const { api, dryRun, print, signal } = options;
  let count = 0;
  for await (const object of requests(options)) {
    count += 1;
    const { namespace, name, explicit, phase, hostName } = readClaimRequest(object);
    if (explicit && phase === "Bound")
      print(`host ${namespace}/${hostName} stays claimed by ClaimRequest ${name}`);
    if (dryRun) continue;
    await takeFinalizerOff(options, object);
    await api.delete(CLAIM_REQUESTS, { namespace, name }, { signal }).catch(unlessNotFound);
  }
  if (count > 0) print(`${count} ClaimRequest${count === 1 ? "" : "s"} ${dryRun ? "would be " : ""}removed`);
}

/** All of them, page by page; none where they are not defined. */
async function* requests({ api, signal }: UninstallOptions): AsyncGenerator<KubeObject> {
  let token: string | undefined;
  do {
    try {
      const page = await api.list(CLAIM_REQUESTS, { limit: PAGE, continue: token, signal });
      yield* page.items;
      token = page.metadata.continue || undefined;
    } catch (error) {
      unlessNotFound(error);
      return;
    }
  } while (token !== undefined);
}

/** Only ours: a finalizer that somebody else put there is theirs to take off. */
async function takeFinalizerOff(options: UninstallOptions, object: KubeObject): Promise<void> {
  const { api, signal } = options;
  const { namespace, name, resourceVersion, finalizers = [] } = object.metadata;
  if (!finalizers.includes(FINALIZER)) return;
  const metadata = { resourceVersion, finalizers: finalizers.filter((other) => other !== FINALIZER) };
  try {
    await api.patch(CLAIM_REQUESTS, { namespace, name }, { type: "merge", body: { metadata } }, { signal });
  } catch (error) {
    if (!isConflict(error)) return unlessNotFound(error);
    const now = await api.get(CLAIM_REQUESTS, { namespace, name }, { signal }).catch(unlessNotFound);
    if (now) await takeFinalizerOff(options, now);
  }
}

async function removeDefinition(options: UninstallOptions, definition: KubeObject): Promise<void> {
  const { clock, signal } = options;
  if (!(await removeOurs(options, definition))) return;
  const deadlineMs = clock.monotonicMs() + GONE_WITHIN_MS;
  while (
    (await find(options, CUSTOM_RESOURCE_DEFINITIONS, { name: definition.metadata.name })) !== undefined
  ) {
    // A replica whose rights were just taken away may have made another request in the meantime.
    for await (const object of requests(options)) await takeFinalizerOff(options, object);
    if (clock.monotonicMs() >= deadlineMs) {
      throw new KubeError("KUBE_TIMEOUT", "ClaimRequests with finalizers of others are still there");
    }
    await sleep(clock, POLL_MS, signal);
  }
}

function unlessNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
