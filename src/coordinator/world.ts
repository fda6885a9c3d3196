import { type Claim, type Consumer, consumerKey, type Host, poolKey, sameConsumer } from "../claims/claim.ts";
import { ClaimQueue } from "../claims/queue.ts";
import { NO_REQUIREMENTS } from "../claims/requirements.ts";
import type { Machine } from "../hosts/profile.ts";
import { includes, isOlder } from "../kube/resource-version.ts";
import { type ClaimRequest, isNamedAfterConsumer } from "../requests/claim-request.ts";
import { judgeBoundHost } from "./bound-host.ts";
import { Consumers } from "./consumers.ts";
import {
  type ConsumerFacts,
  claimOfFacts,
  type DemandRules,
  demandOf,
  isClaimable,
  isEmpty,
  unresolvedBinding,
} from "./facts.ts";
import type { Kinds } from "./kinds.ts";
import { Latest, type Source } from "./latest.ts";
import { Multimap } from "./multimap.ts";

/**
 * What this replica knows of hosts, machines and requests, and the queue that follows from it. Fed by the mirrors
 * and by the answers to this replica's own writes, whichever comes first; every conclusion is drawn again from
 * the objects when one of them changes, so the order in which they arrive does not matter.
 *
 * Invariant: a consumer is in `queue` exactly when `demandOf` says that it waits, and a host exactly when
 * `isFree` says so. Only `consumerChanged` and `hostChanged` touch the queue.
 */
export class World extends Consumers {
  readonly queue = new ClaimQueue();
  readonly #hosts = new Latest<Host>();
  readonly #requests = new Latest<ClaimRequest>();
  /** Consumers whose unresolved binding, or reservation, names the host. */
  readonly #namedBy = new Multimap<string, string>();
  readonly #listeners = new Set<() => void>();
  readonly #consumerListeners = new Set<(key: string) => void>();
  readonly #kinds: Kinds;
  #unconfirmedListener: (object: Host | ClaimRequest) => void = () => {};
  #loading = false;
  #termOfAnother: string | null = null;
  #foreignAttemptWindow: { nowMs: () => number; windowMs: number } | null = null;

  constructor(kinds: Kinds) {
    super();
    this.#kinds = kinds;
  }

  /** Called with the key of each consumer of which anything has changed; must not throw. */
  onConsumer(listener: (key: string) => void): void {
    this.#consumerListeners.add(listener);
  }

  /** Called after every change; must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Says that all machines of this kind are known from now on, so that a request whose machine is not among them
   * has lost it.
   */
  machinesKnown(machineKind: string): void {
    if (this.knownMachineKinds.has(machineKind)) return;
    this.knownMachineKinds.add(machineKind);
    this.load(() => {
      for (const [key, facts] of this.byKey) if (facts.kind === machineKind) this.#consumerChanged(key);
    });
    this.#announce();
  }

  /** Their kind is not served any more, or not in the version that is known here: of none it is known that it is gone. */
  machinesUnknown(machineKind: string): void {
    if (!this.knownMachineKinds.delete(machineKind)) return;
    this.load(() => {
      for (const [key, facts] of this.byKey) if (facts.kind === machineKind) this.#consumerChanged(key);
    });
    this.#announce();
  }

  /**
   * Under a holder that is none of our replicas, only what that holder has itself tried within `windowMs` waits:
   * what it does not serve must not block what it does. null: every waiting claim counts.
   */
  setForeignHolder(window: { nowMs: () => number; windowMs: number } | null): void {
    if ((window === null) === (this.#foreignAttemptWindow === null)) return;
    this.#foreignAttemptWindow = window;
    this.load(() => {
      for (const key of this.byKey.keys()) this.#consumerChanged(key);
    });
    this.#announce();
  }

  /** The term of a holder that is another replica: what it holds back waits here neither. null: none is. */
  setTermOfAnother(term: string | null): void {
    if (term === this.#termOfAnother) return;
    this.#termOfAnother = term;
    this.load(() => {
      for (const request of this.#requests.values()) {
        if (request.heldBackTerm !== "") this.#consumerChanged(consumerKey(request.consumer));
      }
    });
    this.#announce();
  }

  /** Makes many changes at once: the queue is put in order when `work` is done, not after each of them. */
  load(work: () => void): void {
    if (this.#loading) {
      work();
      return;
    }
    this.#loading = true;
    try {
      this.queue.load(work);
    } finally {
      this.#loading = false;
    }
  }

  setHost(host: Host, source: Source = "answer"): void {
    const before = this.#hosts.get(host.uid);
    if (!this.#hosts.set(host.uid, host.resourceVersion, host, source)) return;
    if (this.#hosts.isUnconfirmed(host.uid)) this.#unconfirmedListener(host);
    if (before?.consumer) this.#dropHolding(before);
    if (host.consumer !== null && this.#counts(host, host.consumer)) {
      this.factsFor(host.consumer).hosts.set(host.uid, host);
    }
    this.#hostChanged(host.uid);
    for (const key of this.#namedBy.get(host.uid) ?? []) this.#consumerChanged(key);
    if (before?.consumer) this.#consumerChanged(consumerKey(before.consumer));
    if (host.consumer !== null) this.#consumerChanged(consumerKey(host.consumer));
    this.#announce();
  }

  /** `forGood`: whatever is told of it later is older; otherwise it may come again. */
  deleteHost(uid: string, forGood = true): void {
    const before = this.#hosts.delete(uid, forGood);
    if (before === undefined) return;
    if (before.consumer !== null) {
      this.#dropHolding(before);
      this.#consumerChanged(consumerKey(before.consumer));
    }
    this.#hostChanged(uid);
    this.#announce();
  }

  setMachine(machine: Machine): void {
    this.factsFor(machine).machine = machine;
    this.#consumerChanged(consumerKey(machine));
    this.#announce();
  }

  deleteMachine(machine: Pick<Machine, "kind" | "namespace" | "name" | "uid">): void {
    const facts = this.byKey.get(consumerKey(machine));
    if (facts?.machine?.uid !== machine.uid) return;
    facts.machine = null;
    this.#consumerChanged(consumerKey(machine));
    this.#announce();
  }

  /** One that is not named after its consumer is nobody's: a consumer has one request, in one place. */
  setRequest(request: ClaimRequest, source: Source = "answer"): void {
    if (!isNamedAfterConsumer(request)) return;
    if (!this.#requests.set(request.uid, request.resourceVersion, request, source)) return;
    if (this.#requests.isUnconfirmed(request.uid)) this.#unconfirmedListener(request);
    const key = consumerKey(request.consumer);
    const facts = this.factsFor(request.consumer);
    const before = facts.request;
    // A request recreated under its name replaces the older one, however late the older one's deletion is seen.
    const replaced = before !== null && before.uid !== request.uid;
    if (replaced && isOlder(request.resourceVersion, before.resourceVersion)) return;
    facts.request = request;
    const named = unresolvedBinding(request)?.hostUID;
    if (named !== undefined) this.#name(named, key);
    const namedBefore = before === null ? undefined : unresolvedBinding(before)?.hostUID;
    if (namedBefore !== undefined) this.#unname(namedBefore, key);
    this.#consumerChanged(key);
    this.#announce();
  }

  /** What only answers to this replica's own calls have told of. */
  unconfirmed(): (Host | ClaimRequest)[] {
    return [...this.#hosts.unconfirmed(), ...this.#requests.unconfirmed()];
  }

  /** Called with what only an answer has told of, whenever one does. */
  onUnconfirmed(listener: (object: Host | ClaimRequest) => void): void {
    this.#unconfirmedListener = listener;
  }

  /** The server was restored from a backup: what it says from now on counts, however old its versions are. */
  forgetVersions(): void {
    this.#hosts.forgetVersions();
    this.#requests.forgetVersions();
  }

  /** `forGood` as for deleteHost. */
  deleteRequest(uid: string, forGood = true): void {
    const before = this.#requests.delete(uid, forGood);
    if (before === undefined) return;
    const key = consumerKey(before.consumer);
    const facts = this.byKey.get(key);
    if (facts?.request?.uid !== uid) return;
    facts.request = null;
    const named = unresolvedBinding(before)?.hostUID;
    if (named !== undefined) this.#unname(named, key);
    this.#consumerChanged(key);
    this.#announce();
  }

  /** Takes consumer and host out of the queue until `unreserve`, before any write of theirs can be seen. */
  reserve(key: string, hostUid: string): void {
    const facts = this.byKey.get(key);
    if (facts === undefined) return;
    facts.reserved = hostUid;
    this.#name(hostUid, key);
    this.#consumerChanged(key);
  }

  unreserve(key: string): void {
    const facts = this.byKey.get(key);
    if (facts === undefined || facts.reserved === null) return;
    const hostUid = facts.reserved;
    facts.reserved = null;
    this.#unname(hostUid, key);
    this.#consumerChanged(key);
    this.#announce();
  }

  /** Out of the queue, so that nobody waits behind a claim whose binding keeps failing. */
  suspend(key: string, suspended: boolean): void {
    const facts = this.byKey.get(key);
    if (facts === undefined || facts.suspended === suspended) return;
    facts.suspended = suspended;
    this.#consumerChanged(key);
    this.#announce();
  }

  /** The foreign holder has tried this claim itself, at `atMs` on the monotonic clock. */
  noteHolderAttempt(consumer: Consumer, atMs: number): void {
    const facts = this.factsFor(consumer);
    facts.holderAttemptMs = atMs;
    this.#consumerChanged(consumerKey(consumer));
  }

  /** Forgets attempts older than the window, and all of them while no foreign elector holds; call it now and then. */
  expireHolderAttempts(): void {
    const window = this.#foreignAttemptWindow;
    const sinceMs = window === null ? Number.POSITIVE_INFINITY : window.nowMs() - window.windowMs;
    let changed = false;
    for (const [key, facts] of this.byKey) {
      if (facts.holderAttemptMs === null || facts.holderAttemptMs >= sinceMs) continue;
      facts.holderAttemptMs = null;
      this.#consumerChanged(key);
      changed = true;
    }
    if (changed) this.#announce();
  }

  host(uid: string): Host | undefined {
    return this.#hosts.get(uid);
  }

  hosts(): IterableIterator<Host> {
    return this.#hosts.values();
  }

  requests(): IterableIterator<ClaimRequest> {
    return this.#requests.values();
  }

  request(uid: string): ClaimRequest | undefined {
    return this.#requests.get(uid);
  }

  /** Another host that this consumer has, or may be getting; holdings are looked at first. */
  heldElsewhere(
    consumer: Consumer,
    hostUid: string,
  ): { hostName: string; by: "consumerRef" | "binding" } | null {
    const facts = this.byKey.get(consumerKey(consumer));
    if (facts === undefined) return null;
    const held = this.heldBy(consumer).find((host) => host.uid !== hostUid);
    if (held !== undefined) return { hostName: held.name, by: "consumerRef" };
    const request = facts.request;
    if (request === null || !sameConsumer(request.consumer, consumer)) return null;
    const binding = unresolvedBinding(request);
    if (binding === null || binding.hostUID === hostUid || this.#isSpent(request)) return null;
    return { hostName: binding.hostName, by: "binding" };
  }

  /** The higher-priority claim that would lose its place if this consumer took this host now, or null. */
  displaced(consumer: Consumer, host: Host, nowMs: number): Claim | null {
    const claim = this.claimOf(consumer, host, nowMs);
    const named = this.#namedBy.get(host.uid);
    const onlyByAsker = named?.size === 1 && named.has(claim.id);
    if (!onlyByAsker || this.queue.hasHost(host.uid) || !isClaimable(host)) {
      return this.queue.displaced(claim, host.uid);
    }
    // The asker's own binding took the host out of the queue; the question is put as if it had not.
    this.queue.setHost(host);
    try {
      return this.queue.displaced(claim, host.uid);
    } finally {
      this.queue.removeHost(host.uid);
    }
  }

  /** The claim as it waits, or would wait; a consumer that nothing is known of is as young as can be. */
  claimOf(consumer: Consumer, host: Pick<Host, "kind" | "namespace">, nowMs: number): Claim {
    const facts = this.byKey.get(consumerKey(consumer));
    const known = facts === undefined ? null : claimOfFacts(facts, this.#kinds.hostKindOf(facts.kind));
    if (known !== null && sameConsumer(known.consumer, consumer)) return known;
    return {
      id: consumerKey(consumer),
      consumer,
      pool: poolKey(host.kind, host.namespace),
      uid: consumer.uid,
      createdAtMs: nowMs,
      bonusPoints: 0,
      requirements: NO_REQUIREMENTS,
    };
  }

  /** Why this consumer waits or does not; for explain. */
  demand(facts: Readonly<ConsumerFacts>): ReturnType<typeof demandOf> {
    return demandOf(facts, this.#rules(facts));
  }

  /** Whether the mirror shows already that the write of this request's binding can't land any more. */
  #isSpent({ binding, consumer }: ClaimRequest): boolean {
    const host = binding === null ? undefined : this.#hosts.get(binding.hostUID);
    if (binding === null || host === undefined) return false;
    const seen = includes(host.resourceVersion, binding.hostResourceVersion);
    return seen && judgeBoundHost(host, consumer, binding).state === "free";
  }

  #rules(facts: Readonly<ConsumerFacts>): DemandRules {
    const window = this.#foreignAttemptWindow;
    return {
      machinesKnown: this.knownMachineKinds.has(facts.kind),
      hostKindOfMachines: this.#kinds.hostKindOf(facts.kind),
      termOfAnother: this.#termOfAnother,
      foreignSinceMs: window === null ? null : window.nowMs() - window.windowMs,
    };
  }

  #consumerChanged(key: string): void {
    const facts = this.byKey.get(key);
    if (facts === undefined) return;
    const demand = this.demand(facts);
    if (demand.waits) this.queue.setClaim(demand.claim);
    else this.queue.removeClaim(key);
    for (const listener of this.#consumerListeners) listener(key);
    if (isEmpty(facts)) this.byKey.delete(key);
  }

  #hostChanged(uid: string): void {
    const host = this.#hosts.get(uid);
    if (host !== undefined && isClaimable(host) && !this.#namedBy.has(uid)) this.queue.setHost(host);
    else this.queue.removeHost(uid);
  }

  #name(hostUid: string, key: string): void {
    this.#namedBy.add(hostUid, key);
    this.#hostChanged(hostUid);
  }

  #unname(hostUid: string, key: string): void {
    const facts = this.byKey.get(key);
    const bound = facts?.request == null ? undefined : unresolvedBinding(facts.request)?.hostUID;
    if (facts?.reserved === hostUid || bound === hostUid) return;
    this.#namedBy.delete(hostUid, key);
    this.#hostChanged(hostUid);
  }

  /** A reference across namespaces is nobody's holding, unless the kind may. */
  #counts(host: Host, consumer: Consumer): boolean {
    return consumer.namespace === host.namespace || this.#kinds.mayCrossNamespaces(consumer);
  }

  #dropHolding(host: Host): void {
    if (host.consumer !== null) this.byKey.get(consumerKey(host.consumer))?.hosts.delete(host.uid);
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
