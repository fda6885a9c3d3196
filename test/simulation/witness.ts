import { consumerKey, formatTerm, sameConsumer } from "../../src/claims/claim.ts";
import { holderName } from "../../src/claims/holder.ts";
import { isClaimable, isHeldBy } from "../../src/coordinator/facts.ts";
import type { BindResult } from "../../src/coordinator/processor.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { type LeaseRecord, termOf } from "../../src/leader/lease.ts";
import type { Change, Store } from "../../src/sandbox/store.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { displaced } from "../claims/reference.ts";
import type { ReplicaMember } from "./cluster.ts";
import { HARMLESS_TO_CERTIFICATES } from "./faults.ts";
import { LeaseHistory } from "./lease-history.ts";
import type { Tap } from "./network.ts";
import type { Plan } from "./plan.ts";
import type { SimProcess } from "./process.ts";
import { FOLLOWED, intentTermOf, ReplicaView } from "./replica-view.ts";
import type { ReviewPath } from "./review-door.ts";
import type { Scheduler } from "./scheduler.ts";
import { checkStorage, shown } from "./storage-check.ts";
import { claimOfMachine, claimOfRequest, HOSTS, MACHINES, REQUESTS, Stored } from "./stored.ts";
import type { Deeds } from "./tally.ts";
import type { Trace } from "./trace.ts";

/** A review between its arrival at a replica and its answer. */
interface OpenReview {
  readonly key: string;
  readonly member: ReplicaMember;
  readonly arrivedMs: number;
  /** What the replica knew of the Lease when it began to judge. */
  readonly lease: LeaseRecord | null;
  /** The term under which a processor says that it claims; null where the write is none of a processor. */
  readonly intentTerm: string | null;
  readonly dryRun: boolean;
  /** Who would lose a place; null where the replica's view was not current when it began to judge. */
  readonly wronged: ((record: DecisionRecord) => string | null) | null;
  readonly records: DecisionRecord[];
}

/** What the API server is told of a review, as far as it is looked at here. */
interface ReviewResponse {
  readonly allowed: boolean;
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** Reasons that say something about the claim, but that somebody else has to make it. */
const FOR_WHAT_IT_IS: ReadonlySet<string> = new Set([
  "HostHeld",
  "ForeignConsumer",
  "HostUnavailable",
  "ConsumerHoldsHost",
  "FencedOut",
  "OutOfOrder",
]);

/** Sees everything, believes nobody: compares what replicas decide with what is true. */
export class Witness {
  readonly violations: string[] = [];
  /**
   * How much happened, so that a run that proves nothing is noticed: reviews, claims let through without a leader and
   * as the leader's, those whose order could be judged, claims that a processor bound; certificates that replicas
   * took into use, and reviews that they cost.
   */
  readonly counts = { reviews: 0, optimistic: 0, led: 0, ordered: 0, bound: 0, renewed: 0, mistrusted: 0 };
  readonly #plan: Plan;
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;
  readonly #views = new Map<SimProcess, ReplicaView>();
  readonly #open = new Set<OpenReview>();
  readonly #newest = new Map<string, string>();
  #stored: Stored | null = null;
  #leases: LeaseHistory | null = null;

  constructor(options: { plan: Plan; scheduler: Scheduler; trace: Trace }) {
    this.#plan = options.plan;
    this.#scheduler = options.scheduler;
    this.#trace = options.trace;
  }

  readonly violated = (sentence: string): void => {
    this.#trace.note(this.#scheduler.nowMs, "VIOLATION", sentence);
    this.violations.push(`${Math.round(this.#scheduler.nowMs)} ms: ${sentence}`);
  };

  watch(store: Store): void {
    this.#stored = new Stored(store);
    checkStorage(store, this.violated);
    this.#leases = new LeaseHistory(store, this.#scheduler, this.violated);
    for (const resource of [HOSTS, MACHINES, REQUESTS]) {
      store.subscribe(resource, (change) => this.#stores(change));
    }
  }

  tap(process: SimProcess): Tap {
    const view = new ReplicaView(process, this.violated);
    this.#views.set(process, view);
    return view;
  }

  replicaStarted(member: ReplicaMember): void {
    this.#view(member.process).becomes(member, this.#plan.lease.renewDeadlineMs);
  }

  elected(process: SimProcess, event: string): void {
    const { deeds } = this.#view(process);
    deeds.elections.set(event, (deeds.elections.get(event) ?? 0) + 1);
    if (event === "started_leading") deeds.ledFromMs = process.monotonicMs();
  }

  /** The API server did not talk to a replica because of its certificate. */
  mistrusted(process: SimProcess, problem: string): void {
    this.counts.mistrusted++;
    this.#trace.note(this.#scheduler.nowMs, process.name, problem);
    if (this.#plan.faults.every((fault) => HARMLESS_TO_CERTIFICATES.has(fault)))
      this.violated(`a review was lost to a certificate, with nothing in its way: ${problem}`);
  }

  bindEnded(process: SimProcess, { claim, host, outcome }: BindResult): void {
    this.#trace.note(this.#scheduler.nowMs, process.name, `bind ${claim.id} ${host.name}: ${outcome}`);
    if (outcome === "bound") this.counts.bound++;
  }

  deeds({ process }: ReplicaMember): Readonly<Deeds> {
    return this.#view(process).deeds;
  }

  reviewArrives(member: ReplicaMember, path: ReviewPath, review: string): { answered(body: string): void } {
    const { request } = JSON.parse(review) as {
      request: { uid: string; dryRun: boolean; object: KubeObject; oldObject: KubeObject };
    };
    const { uid, object, oldObject } = request;
    const open: OpenReview = {
      key: `${path === "/mutate" ? "mutate" : "validate"} ${uid}`,
      member,
      arrivedMs: this.#scheduler.nowMs,
      lease: this.#view(member.process).lease,
      intentTerm: intentTermOf(object, oldObject),
      dryRun: request.dryRun,
      wronged: this.#orderNow(member),
      records: [],
    };
    this.#open.add(open);
    return { answered: (body) => this.#answered(open, body) };
  }

  decided(process: SimProcess, record: DecisionRecord): void {
    const { webhook, allowed, mode, reason, host, term } = record;
    this.#trace.note(
      this.#scheduler.nowMs,
      process.name,
      `${webhook} ${record.consumer?.name} ${host}: ${allowed ? mode : reason} ${term}`,
    );
    const key = `${webhook} ${record.uid}`;
    const open = this.#opened(process, key)[0];
    if (open === undefined) {
      this.violated(`${process.name} decided a review that it does not have`);
      return;
    }
    open.records.push(record);
    if (record.dryRun) return;
    if (webhook === "validate" && allowed && mode === "optimistic") this.#checkOptimistic(open, record);
    if (allowed && mode === "leader") this.#checkLeader(open, record);
    if (webhook === "validate" && allowed && mode === "leader") this.#checkOrder(open, record);
    if (reason === "Delegated" || reason === "OutOfOrder") this.#checkRecorded(open, record);
  }

  /** Nobody may be let through without a leader's order while a leader was there for all to see. */
  #checkOptimistic({ member, arrivedMs }: OpenReview, record: DecisionRecord): void {
    this.counts.optimistic++;
    const { retryMs } = this.#plan.lease;
    const { process } = member;
    // A read of the Lease that is a retry period old still counts; its age is taken on the replica's own clock.
    const oldestMs = process.monotonicAt(arrivedMs) - retryMs;
    let fromMs = arrivedMs;
    while (fromMs > 0 && process.monotonicAt(fromMs) > oldestMs) fromMs -= 50;
    const term = this.#leases!.throughout(fromMs, this.#scheduler.nowMs, this.#scheduler.nowMs - fromMs + 50);
    if (term !== "")
      this.violated(
        `${process.name} admitted ${record.pod}'s claim of ${record.host} without a leader under ${term}`,
      );
  }

  /** Only whom the newest Lease that the replica knows names, and only in its present term. */
  #checkLeader(open: OpenReview, record: DecisionRecord): void {
    const { member, lease } = open;
    const known = [lease, this.#view(member.process).lease];
    const fits = known.some(
      (each) =>
        each !== null &&
        holderName(each.holderIdentity) === record.pod &&
        formatTerm(termOf(each)) === record.term,
    );
    if (!fits)
      this.violated(
        `${member.process.name} admitted ${record.pod}'s claim of ${record.host} as the leader's`,
      );
    if (
      open.intentTerm !== null &&
      !known.some((each) => each !== null && formatTerm(termOf(each)) === open.intentTerm)
    )
      this.violated(`${member.process.name} admitted a claim of ${record.host} under a term that is over`);
  }

  #checkOrder(open: OpenReview, record: DecisionRecord): void {
    this.counts.led++;
    if (open.wronged === null) return;
    this.counts.ordered++;
    const wronged = open.wronged(record);
    if (wronged !== null)
      this.violated(`${record.consumer?.name} was let have ${record.host}, which costs ${wronged} its place`);
  }

  #checkRecorded({ member }: OpenReview, record: DecisionRecord): void {
    const { consumer } = record;
    if (consumer === null) return;
    const stored = this.#stored!;
    const machine = consumer.kind === "Beskar7Machine" ? stored.machine(consumer) : null;
    const exists = machine !== null && sameConsumer(machine, consumer) && !machine.deleting;
    const holds = stored.hosts().some((host) => isHeldBy(host, consumer));
    // What it has not been told of yet it may be wrong about; then the machine's own word keeps it in the queue.
    if (!exists || holds || !this.#isCurrent(member)) return;
    const request = stored.requestOf(consumer, "default");
    const waits = request !== null && (request.phase === "Pending" || request.phase === "Binding");
    if (!waits || !sameConsumer(request.consumer, consumer))
      this.violated(`${member.process.name} told ${shown(consumer)} that it is in the queue, and it is not`);
  }

  /** What the verdict must take into account, as it is true now; null where the replica can't know all of it yet. */
  #orderNow(member: ReplicaMember): OpenReview["wronged"] {
    if (!this.#isCurrent(member)) return null;
    const stored = this.#stored!;
    // What its own processor is busy with, or has put off, is out of its queue.
    const elsewhere = new Set<string>();
    const reserved = new Map<string, string>();
    for (const [key, facts] of member.replica.world.consumers()) {
      if (facts.suspended || facts.reserved !== null) elsewhere.add(key);
      if (facts.reserved !== null) reserved.set(facts.reserved, key);
    }
    // What the leader says that it has put off waits behind those it has not, at every replica.
    const { lease } = this.#view(member.process);
    const term = lease === null ? "" : formatTerm(termOf(lease));
    for (const request of stored.requests()) {
      if (term !== "" && request.heldBackTerm === term) elsewhere.add(consumerKey(request.consumer));
    }
    const waiting = stored.waiting(elsewhere);
    const known = [...stored.machines().map(claimOfMachine), ...stored.requests().map(claimOfRequest)];
    const hosts = stored.hosts();
    const named = stored.named();
    return ({ consumer, hostUID }) => {
      const asking = known.find((claim) => consumer !== null && sameConsumer(claim.consumer, consumer));
      if (asking === undefined) return null;
      const free = hosts.filter(
        ({ uid, ...host }) =>
          isClaimable({ uid, ...host }) && (uid === hostUID || (!reserved.has(uid) && !named.has(uid))),
      );
      const other = named.get(hostUID) ?? reserved.get(hostUID) ?? asking.id;
      return other === asking.id ? displaced(waiting, free, asking, hostUID) : null;
    };
  }

  #answered(open: OpenReview, body: string): void {
    this.#open.delete(open);
    this.counts.reviews++;
    const { allowed, auditAnnotations } = (JSON.parse(body) as { response: ReviewResponse }).response;
    const { deeds } = this.#view(open.member.process);
    const answer = `${open.key.split(" ")[0]} ${allowed ? "allow" : "reject"}`;
    deeds.answers.set(answer, (deeds.answers.get(answer) ?? 0) + 1);
    if (allowed && !open.dryRun && open.intentTerm === null && open.key.startsWith("validate"))
      deeds.admitted++;
    const reason = auditAnnotations?.reason ?? "";
    if (!allowed && !open.dryRun && reason === "Delegated") deeds.delegated++;
    if (!allowed && !open.dryRun && FOR_WHAT_IT_IS.has(reason)) deeds.rejected++;
    // One that came twice is decided twice, in whatever order.
    const others = this.#opened(open.member.process, open.key);
    const told = [open, ...others].flatMap(({ records }) => records);
    const own = told.findIndex((record) => record.allowed === allowed);
    if (own < 0 || told.length > others.length + 1)
      this.violated(
        `${open.member.process.name} told ${told.length} decisions for ${others.length + 1} reviews`,
      );
    told.splice(own, 1);
    others.forEach(({ records }, at) => {
      records.splice(0, records.length, ...(at === 0 ? told : []));
    });
  }

  #opened(process: SimProcess, key: string): OpenReview[] {
    return [...this.#open].filter((each) => each.key === key && each.member.process === process);
  }

  #isCurrent({ process }: ReplicaMember): boolean {
    const view = this.#view(process);
    return FOLLOWED.every((type) =>
      view.isCurrent(type, this.#newest.get(`${type.plural}.${type.group}`) ?? ""),
    );
  }

  #stores({ type, resource, object, revision }: Change): void {
    this.#newest.set(resource, String(revision));
    const { name } = object.metadata;
    const phase = (object.status as { phase?: string } | undefined)?.phase ?? "";
    const consumer =
      (object.spec as { consumerRef?: { name?: string } } | undefined)?.consumerRef?.name ?? "";
    this.#trace.note(
      this.#scheduler.nowMs,
      "storage",
      `${revision} ${type} ${name}${phase && ` ${phase}`}${consumer && ` of ${consumer}`}`,
    );
  }

  #view(process: SimProcess): ReplicaView {
    return this.#views.get(process)!;
  }
}
