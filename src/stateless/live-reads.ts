import type { Host } from "../claims/claim.ts";
import type { Following } from "../coordinator/following.ts";
import type { Holder } from "../coordinator/holder.ts";
import type { World } from "../coordinator/world.ts";
import type { HostProfile, Machine } from "../hosts/profile.ts";
import type { KubeApi, ResourceType } from "../kube/api.ts";
import { isConflict, isNotFound, KubeError } from "../kube/errors.ts";
import { type Listed, listAll } from "../kube/list-all.ts";
import { isOlder } from "../kube/resource-version.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { readClaimRequest } from "../requests/claim-request.ts";
import { SharedReads } from "./shared-reads.ts";

/** A review is answered within half of the webhook's timeout; what takes longer is of no use to it. */
const READ_TIMEOUT_MS = 5_000;
/** Few round trips matter more here than small answers. */
const PAGE = 5_000;
const EVERYWHERE = "";

export interface LiveReadsOptions {
  api: KubeApi;
  world: World;
  holder: Holder;
  profiles: readonly HostProfile[];
  /** A machine whose annotations can't be read; told once for each version of it. */
  onMachineProblems(machine: Machine): void;
}

interface KnownMachine {
  readonly machine: Machine;
  readonly version: string;
}

/**
 * The place of the mirrors where nothing is watched: what a verdict rests on is read when its review comes, by
 * consistent reads that began after the review did. Between reviews the world is as old as the last one.
 */
export class LiveReads implements Pick<Following, keyof Following> {
  readonly #options: LiveReadsOptions;
  readonly #looks = new SharedReads<string | null>((namespace) => this.#look(namespace));
  /** By uid; the world keeps no versions of machines. */
  readonly #machines = new Map<string, KnownMachine>();
  readonly #served = new Set<string>();
  #requestsServed = true;

  constructor(options: LiveReadsOptions) {
    this.#options = options;
  }

  /**
   * Reads the Lease, and the hosts, machines and requests of the host's namespace, or of all of them for a consumer
   * that may claim across. null, or why no verdict may rest on what is known.
   */
  look(host: Pick<Host, "namespace">, options: { everywhere: boolean }): Promise<string | null> {
    return this.#looks.after(options.everywhere ? EVERYWHERE : host.namespace);
  }

  /**
   * The same API for whoever works by the world when no review is under way, and is told of nothing in between: a
   * patch that comes too late makes the namespace known anew before it fails, so that it is not sent again.
   */
  lookingAfterConflicts(api: KubeApi): KubeApi {
    return {
      ...api,
      patch: async (type, key, patch, options) => {
        try {
          return await api.patch(type, key, patch, options);
        } catch (error) {
          if (isConflict(error) || isNotFound(error)) await this.#looks.after(key.namespace ?? EVERYWHERE);
          throw error;
        }
      },
    };
  }

  requestsAvailable(): boolean {
    return this.#requestsServed;
  }

  hostKindsServed(): string[] {
    return [...this.#served];
  }

  /** Its reads began after the write was sent, so they show all that its author knew. */
  async caughtUp(): Promise<boolean> {
    return true;
  }

  /** Nothing has to be known before the first review. */
  notReady(): null {
    return null;
  }

  start(): void {}
  async whenSynced(): Promise<void> {}
  async refresh(): Promise<void> {}
  *staleness(): Iterable<never> {}

  /** It never leads, so it names no versions. */
  seen(): { hosts: string; requests: string; machines: string } {
    return { hosts: "", requests: "", machines: "" };
  }

  /** Never every host is known, so that no key may be given up. */
  receiptKeysInUse(): undefined {
    return undefined;
  }

  async #look(namespace: string): Promise<string | null> {
    const { profiles, holder, world } = this.#options;
    try {
      const [lease, requests, ...kinds] = await Promise.all([
        holder.read(READ_TIMEOUT_MS),
        this.#list(CLAIM_REQUESTS, namespace),
        ...profiles.map(async (profile) => {
          const [hosts, machines] = await Promise.all([
            this.#list(profile.hostType, namespace),
            this.#list(profile.machineType, namespace),
          ]);
          return { profile, hosts, machines };
        }),
      ]);
      if (!lease) return "the Lease could not be read";
      this.#requestsServed = requests !== null;
      world.load(() => {
        for (const { profile, hosts, machines } of kinds) {
          if (hosts !== null) this.#takeHosts(profile, namespace, hosts);
          if (machines !== null) this.#takeMachines(profile, namespace, machines);
        }
        if (requests !== null) this.#takeRequests(namespace, requests);
      });
      return null;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return error.message;
    }
  }

  #list(type: ResourceType, namespace: string): Promise<Listed | null> {
    const call = { timeoutMs: READ_TIMEOUT_MS, pageSize: PAGE };
    return listAll(this.#options.api, type, namespace, call);
  }

  #takeHosts(profile: HostProfile, namespace: string, { items, resourceVersion }: Listed): void {
    const { world } = this.#options;
    const { kind } = profile.hostType;
    this.#served.add(kind);
    const listed = new Set(items.map(({ metadata }) => metadata.uid ?? ""));
    for (const host of [...world.hosts()]) {
      if (host.kind === kind && isGone(host, namespace, listed, resourceVersion)) world.deleteHost(host.uid);
    }
    for (const object of items) world.setHost(profile.readHost(object));
  }

  #takeMachines(profile: HostProfile, namespace: string, { items, resourceVersion }: Listed): void {
    const { world, onMachineProblems } = this.#options;
    const { kind } = profile.machineType;
    const listed = new Set(items.map(({ metadata }) => metadata.uid ?? ""));
    for (const [uid, { machine, version }] of this.#machines) {
      const known = { uid, namespace: machine.namespace, resourceVersion: version };
      if (machine.kind !== kind || !isGone(known, namespace, listed, resourceVersion)) continue;
      this.#machines.delete(uid);
      world.deleteMachine(machine);
    }
    for (const object of items) {
      const { uid = "", resourceVersion: version = "" } = object.metadata;
      const known = this.#machines.get(uid);
      // A look at one namespace and one at all of them may overlap.
      if (known !== undefined && (known.version === version || isOlder(version, known.version))) continue;
      const machine = profile.readMachine(object);
      this.#machines.set(uid, { machine, version });
      world.setMachine(machine);
      if (machine.problems.length > 0) onMachineProblems(machine);
    }
    world.machinesKnown(profile.machineKind);
  }

  #takeRequests(namespace: string, { items, resourceVersion }: Listed): void {
    const { world } = this.#options;
    const listed = new Set(items.map(({ metadata }) => metadata.uid ?? ""));
    for (const request of [...world.requests()]) {
      if (isGone(request, namespace, listed, resourceVersion)) world.deleteRequest(request.uid);
    }
    for (const item of items) world.setRequest(readClaimRequest(item));
  }
}

/** Whether a list shows that what was known is gone; what is newer than the list, it can't show. */
function isGone(
  known: { uid: string; namespace: string; resourceVersion: string },
  namespace: string,
  listed: ReadonlySet<string>,
  listVersion: string,
): boolean {
  const isCovered = namespace === EVERYWHERE || known.namespace === namespace;
  return isCovered && !listed.has(known.uid) && !isOlder(listVersion, known.resourceVersion);
}
