import type { Host } from "../claims/claim.ts";
import type { Clock } from "../clock.ts";
import { TERM_ANNOTATION } from "../hosts/annotations.ts";
import type { HostProfile, Machine } from "../hosts/profile.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { Mirror, mirrorKey } from "../kube/mirror.ts";
import { includes } from "../kube/resource-version.ts";
import { CLAIM_REQUESTS, LEASES } from "../kube/types.ts";
import type { Log } from "../log.ts";
import {
  type ClaimRequest,
  claimRequestName,
  isNamedAfterConsumer,
  readClaimRequest,
} from "../requests/claim-request.ts";
import type { Intent } from "./intent.ts";
import { ReceiptKids } from "./receipt-kids.ts";
import type { World } from "./world.ts";

/**
 * A mirror older than this must not judge. A healthy watch proves itself at least once a minute, and a dead one is
 * replaced within another.
 */
const STALE_MS = 150_000;

export interface FollowingOptions {
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  world: World;
  profiles: readonly HostProfile[];
  leaseNamespace: string;
  leaseName: string;
  relistMs: number;
  /** The Lease as the watch has it; null when it is gone. `asOf` is the version at which this was seen. */
  onLease(lease: KubeObject | null, asOf: string): void;
  /** The term under which a host, as it arrives, says that it was claimed; "" where it says none. */
  onHostTerm(term: string): void;
  /** A machine whose annotations can't be read; told once for each version of it. */
  onMachineProblems(machine: Machine): void;
}

/** As of which versions a choice was made. */
export type Seen = Pick<Intent, "hosts" | "requests" | "machines">;

/** What a mirror says of itself, whatever it holds. */
type AnyMirror = Pick<
  Mirror<unknown>,
  "synced" | "state" | "staleMs" | "resourceVersion" | "start" | "whenSynced" | "caughtUpTo" | "refresh"
>;
interface Objects extends AnyMirror {
  get(key: string): { readonly uid: string } | undefined;
}

/** Every mirror of this replica, feeding its world. */
export class Following {
  readonly #options: FollowingOptions;
  readonly #hosts = new Map<string, Objects>();
  /** By the kind of the hosts that they claim. */
  readonly #machines = new Map<string, AnyMirror>();
  readonly #requests: Objects;
  readonly #lease: Mirror<KubeObject>;
  readonly #receipts = new ReceiptKids();
  readonly #mirrors: { resource: string; mirror: AnyMirror; judges: boolean }[] = [];

  constructor(options: FollowingOptions) {
    this.#options = options;
    const { world, profiles, onLease, onHostTerm } = options;
    for (const profile of profiles) {
      const read = (object: KubeObject) => {
        this.#receipts.note(object);
        onHostTerm(object.metadata.annotations?.[TERM_ANNOTATION] ?? "");
        return profile.readHost(object);
      };
      const hosts: Mirror<Host> = this.#mirror(profile.hostType, true, read, {
        set: (host) => world.setHost(host, "mirror"),
        delete: (host) => {
          this.#receipts.forget(host.uid);
          // A kind that is not served for a moment comes back with the same objects.
          world.deleteHost(host.uid, hosts.state !== "absent");
        },
        listed: () => this.#dropGone(hosts),
      });
      this.#hosts.set(profile.hostType.kind, hosts);
      this.#machines.set(profile.hostType.kind, this.#followMachines(profile));
    }
    this.#requests = this.#mirror(CLAIM_REQUESTS, true, (object) => this.#readRequest(object), {
      set: (request) => world.setRequest(request, "mirror"),
      delete: (request) => world.deleteRequest(request.uid, this.#requests.state !== "absent"),
      listed: () => this.#dropGone(this.#requests),
    });
    world.onUnconfirmed((object) => this.#lookFor(object));
    world.requestsKnownWhile(() => this.#requests.resourceVersion !== "");
    this.#lease = this.#mirror(LEASES, false, (object) => object, {
      set: (lease) => onLease(lease, this.#lease.resourceVersion),
      delete: () => onLease(null, this.#lease.resourceVersion),
    });
  }

  start(signal: AbortSignal): void {
    for (const { mirror } of this.#mirrors) mirror.start(signal);
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#mirrors.map(({ mirror }) => mirror.whenSynced(signal)));
  }

  /** Why no verdict may rest on these mirrors now, or null. */
  notReady(): string | null {
    for (const { resource, mirror, judges } of this.#mirrors) {
      if (!judges) continue;
      if (!mirror.synced) return `${resource} are not known yet`;
      if (mirror.staleMs() > STALE_MS) return `${resource} were last known to be current too long ago`;
    }
    return null;
  }

  /** The keys that signed the receipts which hosts carry; undefined while not every host is known. */
  receiptKeysInUse(): ReadonlySet<string> | undefined {
    const known = [...this.#hosts.values()].every((mirror) => mirror.synced);
    return known ? this.#receipts.inUse() : undefined;
  }

  /** Whether the ClaimRequest CRD is installed, as far as is known. */
  requestsAvailable(): boolean {
    return this.#requests.state !== "absent";
  }

  /** Whether any host kind is served at all. */
  hostKindsServed(): string[] {
    return [...this.#hosts]
      .filter(([, mirror]) => mirror.synced && mirror.state !== "absent")
      .map(([kind]) => kind);
  }

  /** resourceVersions up to which hosts of a kind, their machines, and requests have been seen. */
  seen(hostKind: string): Seen {
    return {
      hosts: this.#hosts.get(hostKind)?.resourceVersion ?? "",
      requests: this.#requests.resourceVersion,
      machines: this.#machines.get(hostKind)?.resourceVersion ?? "",
    };
  }

  /** Whether this replica has come to know, in time, what an intent was decided on. */
  async caughtUp(hostKind: string, intent: Intent, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const limit = new AbortController();
    const timer = this.#options.clock.schedule(withinMs, () => limit.abort());
    const until = AbortSignal.any([signal, limit.signal]);
    const wanted: [AnyMirror | undefined, string][] = [
      [this.#hosts.get(hostKind), intent.hosts],
      [this.#machines.get(hostKind), intent.machines],
      [this.#requests, intent.requests],
    ];
    try {
      const waits = wanted.map(
        ([mirror, version]) => version === "" || mirror === undefined || mirror.caughtUpTo(version, until),
      );
      return (await Promise.all(waits)).every(Boolean);
    } finally {
      timer.cancel();
    }
  }

  /** Consistent lists of hosts and requests, before a new holder makes its first choice. */
  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#hosts.values(), this.#requests].map((mirror) => mirror.refresh(signal)));
  }

  *staleness(): Iterable<{ resource: string; value: number }> {
    for (const { resource, mirror } of this.#mirrors) {
      const staleMs = mirror.staleMs();
      if (Number.isFinite(staleMs)) yield { resource, value: staleMs / 1000 };
    }
  }

  /**
   * Of what was made and deleted between two lists no watch tells: what this replica knows from an answer to its own
   * write alone, and a list does not show, is gone. It may come again: a server restored from a backup counts anew.
   */
  #dropGone(listed: Objects): void {
    const { world } = this.#options;
    for (const object of world.unconfirmed()) {
      if (this.#mirrorOf(object) !== listed || !lacks(listed, object)) continue;
      if ("consumerRef" in object) world.deleteRequest(object.uid, false);
      else world.deleteHost(object.uid, false);
    }
  }

  /** An answer that is late may be of an object that is gone by now: only a list tells. */
  #lookFor(object: Host | ClaimRequest): void {
    const mirror = this.#mirrorOf(object);
    if (mirror === undefined || !lacks(mirror, object)) return;
    mirror
      .refresh()
      .catch((error) => this.#options.log.debug({ err: error }, "List to confirm an answer failed"));
  }

  #mirrorOf(object: Host | ClaimRequest): Objects | undefined {
    return "consumerRef" in object ? this.#requests : this.#hosts.get(object.kind);
  }

  /** One request a consumer: one that names a consumer under another name than the consumer's is left alone. */
  #readRequest(object: KubeObject): ClaimRequest | null {
    const request = readClaimRequest(object);
    if (isNamedAfterConsumer(request)) return request;
    const wanted = `${request.consumer.namespace}/${claimRequestName(request.consumer)}`;
    const fields = { request: `${request.namespace}/${request.name}`, wanted };
    this.#options.log.warn(fields, "A ClaimRequest is ignored because it is not named after its consumer");
    return null;
  }

  #followMachines(profile: HostProfile): AnyMirror {
    const { world, onMachineProblems } = this.#options;
    const { machineType, machineKind } = profile;
    const known = () => {
      if (mirror.synced && mirror.state !== "absent") world.machinesKnown(machineKind);
    };
    const mirror = this.#mirror(machineType, true, (object) => profile.readMachine(object), {
      set: (machine) => {
        world.setMachine(machine);
        known();
        if (machine.problems.length > 0) onMachineProblems(machine);
      },
      delete: (machine) => {
        // Before the first of them is taken for gone: that a kind is not served says nothing of its objects.
        if (mirror.state === "absent") world.machinesUnknown(machineKind);
        world.deleteMachine(machine);
      },
      synced: known,
    });
    return mirror;
  }

  #mirror<T extends { uid: string } | KubeObject>(
    type: HostProfile["hostType"],
    judges: boolean,
    project: (object: KubeObject) => T | null,
    tell: { set(value: T): void; delete(value: T): void; listed?(): void; synced?(): void },
  ): Mirror<T> {
    const { api, clock, log, random, relistMs, leaseName, leaseNamespace, world } = this.#options;
    const one =
      type === LEASES ? { namespace: leaseNamespace, fieldSelector: `metadata.name=${leaseName}` } : {};
    const mirror = new Mirror<T>({
      api,
      type,
      clock,
      log,
      random,
      relistMs,
      ...one,
      project,
      onChange: (change) => {
        if (change.type === "delete") return tell.delete(change.previous);
        // Deleted and made again under the same name, between two looks.
        if (change.previous !== undefined && uidOf(change.previous) !== uidOf(change.value))
          tell.delete(change.previous);
        tell.set(change.value);
      },
      batch: (told) => world.load(told),
      onRewound: () => world.forgetVersions(),
      onListed: () => tell.listed?.(),
      onSynced: () => tell.synced?.(),
    });
    this.#mirrors.push({ resource: type.plural, mirror, judges });
    return mirror;
  }
}

/** An object that a mirror does not have although it has seen all up to its version. */
function lacks(
  mirror: Objects,
  object: { namespace: string; name: string; uid: string; resourceVersion: string },
): boolean {
  const seen = includes(mirror.resourceVersion, object.resourceVersion);
  return seen && mirror.get(mirrorKey(object))?.uid !== object.uid;
}

function uidOf(value: { uid: string } | KubeObject): string | undefined {
  return "metadata" in value ? (value as KubeObject).metadata.uid : (value as { uid: string }).uid;
}
