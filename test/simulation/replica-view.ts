import { formatTerm } from "../../src/claims/claim.ts";
import { INTENT_ANNOTATION } from "../../src/hosts/annotations.ts";
import type { KubeObject, ResourceType } from "../../src/kube/api.ts";
import { compareResourceVersions, isOlder } from "../../src/kube/resource-version.ts";
import { BESKAR7_MACHINES, CLAIM_REQUESTS, LEASES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { type LeaseRecord, readLease, termOf } from "../../src/leader/lease.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import type { ReplicaMember } from "./cluster.ts";
import { Deeds } from "./deeds.ts";
import type { SentCall, Tap } from "./network.ts";
import type { SimProcess } from "./process.ts";

/**
 * What has crossed the border of one process: what it can know, and whether what it sends follows the binding
 * protocol. Draws its own conclusions, from messages alone.
 */
export class ReplicaView implements Tap {
  readonly #process: SimProcess;
  readonly #violated: (sentence: string) => void;
  readonly #lateStored: (host: string) => void;
  #renewDeadlineMs = 0;
  #identity = "";
  /** The newest Lease that reached it; null: a deletion was the newest. */
  lease: LeaseRecord | null = null;
  #leaseVersion = "";
  /** From when to when some Lease that it knew was valid, on its monotonic clock; the latest. */
  #valid: { fromMs: number; toMs: number }[] = [];
  /** The newest version of anything of a type that lists and watches brought. */
  readonly #newest = new Map<string, string>();
  /** When the last list that was answered had been asked for. */
  readonly #listedAtMs = new Map<string, number>();
  /** "host name, resourceVersion" of each binding that it saw. */
  readonly #bindings = new Set<string>();
  #term = "";
  #termFromMs = 0;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  readonly deeds = new Deeds();

  constructor(
    process: SimProcess,
    violated: (sentence: string) => void,
    lateStored: (host: string) => void = () => {},
  ) {
    this.#lateStored = lateStored;
    this.#process = process;
    this.#violated = (sentence) => violated(`${process.name} ${sentence}`);
  }

  becomes({ identity }: ReplicaMember, renewDeadlineMs: number): void {
    this.#identity = identity;
    this.#renewDeadlineMs = renewDeadlineMs;
  }

  /** Whether all that happened to a type has reached it. */
  isCurrent(type: ResourceType, newest: string): boolean {
    return newest === "" || this.#newest.get(type.plural) === newest;
  }

  /** For how long, when a time on its monotonic clock began, no Lease that it knew had been valid; 0: one was since. */
  withoutLeaseMs(fromMs: number): number {
    const lastMs = Math.max(Number.NEGATIVE_INFINITY, ...this.#valid.map(({ toMs }) => toMs));
    return Math.max(0, fromMs - lastMs);
  }

  /** What was known until now is over: by a newer version, or because it is gone. */
  #leaseEnds(): void {
    const nowMs = this.#process.monotonicMs();
    this.#valid = this.#valid.slice(-8);
    for (const known of this.#valid) known.toMs = Math.min(known.toMs, nowMs);
  }

  received(type: ResourceType, objects: readonly KubeObject[], call: SentCall | null): void {
    if (call === null || call.verb === "list") for (const object of objects) this.#follow(type, object);
    if (call?.verb === "list") this.#listedAtMs.set(type.plural, call.atMs);
    if (type === LEASES) for (const object of objects) this.#noteLease(object, call);
    if (type === CLAIM_REQUESTS) for (const object of objects) this.#noteBinding(object);
  }

  gone(type: ResourceType, object: KubeObject): void {
    this.#follow(type, object);
    const version = object.metadata.resourceVersion ?? "";
    if (type !== LEASES || isOlder(version, this.#leaseVersion)) return;
    this.#leaseEnds();
    this.lease = null;
    this.#leaseVersion = version;
  }

  sent(call: SentCall): void {
    if (call.type !== PHYSICAL_HOSTS || call.verb !== "patch" || call.dryRun) return;
    const term = intentTermOf(call.body as Partial<KubeObject> | null);
    if (term === null) return;
    const { resourceVersion = "" } = (call.body as KubeObject).metadata;
    if (resourceVersion === "") this.#violated(`claims ${call.name} without a precondition`);
    if (!this.#bindings.has(`${call.name} ${resourceVersion}`))
      this.#violated(`claims ${call.name} before it has the binding`);
    if (term !== this.#term) this.#violated(`claims ${call.name} under ${term}, which it does not hold`);
    if (this.lease === null || formatTerm(termOf(this.lease)) !== term)
      this.#violated(`claims ${call.name} under a term that it knows to be over`);
    if (call.atMs - this.#renewedAtMs >= this.#renewDeadlineMs)
      this.#violated(
        `claims ${call.name} ${Math.round(call.atMs - this.#renewedAtMs)} ms after its last renewal`,
      );
    for (const { plural } of [PHYSICAL_HOSTS, CLAIM_REQUESTS]) {
      if ((this.#listedAtMs.get(plural) ?? -1) < this.#termFromMs)
        this.#violated(`claims ${call.name} under a new term before it has listed ${plural}`);
    }
  }

  landedLate({ type, name }: SentCall): void {
    if (type === PHYSICAL_HOSTS) this.#lateStored(name);
  }

  #follow(type: ResourceType, { metadata: { resourceVersion = "" } }: KubeObject): void {
    const known = this.#newest.get(type.plural);
    if (known === undefined || isOlder(known, resourceVersion))
      this.#newest.set(type.plural, resourceVersion);
  }

  #noteLease(object: KubeObject, call: SentCall | null): void {
    const record = readLease(object);
    const order = compareResourceVersions(record.resourceVersion, this.#leaseVersion) ?? 1;
    if (order > 0) {
      this.#leaseEnds();
      const fromMs = this.#process.monotonicMs();
      if (record.holderIdentity !== "")
        this.#valid.push({ fromMs, toMs: fromMs + record.leaseDurationSeconds * 1_000 });
    }
    if (order >= 0) {
      this.lease = record;
      this.#leaseVersion = record.resourceVersion;
    }
    const wrote = call !== null && (call.verb === "create" || call.verb === "update");
    if (!wrote || record.holderIdentity !== this.#identity) return;
    const term = formatTerm(termOf(record));
    if (term !== this.#term) this.#termFromMs = this.#process.monotonicMs();
    this.#term = term;
    this.#renewedAtMs = call.atMs;
  }

  #noteBinding(object: KubeObject): void {
    const { binding, phase } = readClaimRequest(object);
    if (phase === "Binding" && binding !== null)
      this.#bindings.add(`${binding.hostName} ${binding.hostResourceVersion}`);
  }
}

/** The term that a write of a host names, or null where it is no claim of a processor. */
export function intentTermOf(object: Partial<KubeObject> | null, before?: KubeObject): string | null {
  const text = object?.metadata?.annotations?.[INTENT_ANNOTATION];
  if (typeof text !== "string" || text === before?.metadata.annotations?.[INTENT_ANNOTATION]) return null;
  return (JSON.parse(text) as { term: string }).term;
}

export const FOLLOWED = [PHYSICAL_HOSTS, BESKAR7_MACHINES, CLAIM_REQUESTS];
