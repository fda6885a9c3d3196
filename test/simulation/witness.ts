import { formatTerm, sameConsumer } from "../../src/claims/claim.ts";
import { holderName } from "../../src/claims/holder.ts";
import { isHeldBy } from "../../src/coordinator/facts.ts";
import type { BindResult } from "../../src/coordinator/processor.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { type LeaseRecord, termOf } from "../../src/leader/lease.ts";
import type { Change, Store } from "../../src/sandbox/store.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import type { ReplicaMember } from "./cluster.ts";
import type { Deeds } from "./deeds.ts";
import { HARMLESS_TO_CERTIFICATES } from "./faults.ts";
import { LeaseHistory } from "./lease-history.ts";
import type { Tap } from "./network.ts";
import { OrderCheck } from "./order-check.ts";
import type { Plan } from "./plan.ts";
import type { SimProcess } from "./process.ts";
import { FOLLOWED, intentTermOf, ReplicaView } from "./replica-view.ts";
import type { ReviewPath } from "./review-door.ts";
import type { Scheduler } from "./scheduler.ts";
import { checkStorage, shown } from "./storage-check.ts";
import { HOSTS, MACHINES, REQUESTS, Stored } from "./stored.ts";
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

/** Reasons that say that somebody leads. */
const UNDER_A_LEADER: ReadonlySet<string> = new Set(["Delegated", "FencedOut", "OutOfOrder"]);

/** Timers and messages of the same moment come one after the other. */
const TURN_MS = 2;

/** Described with Witness.counts. */
export const NO_COUNTS = {
  reviews: 0,
  optimistic: 0,
  led: 0,
  ordered: 0,
  bound: 0,
  renewed: 0,
  mistrusted: 0,
  lateStored: 0,
};

/** Sees everything, believes nobody: compares what replicas decide with what is true. */
export class Witness {
  readonly violations: string[] = [];
  /**
   * How much happened, so that a run that proves nothing is noticed: reviews, claims let through without a leader and
   * as the leader's, those whose order could be judged, claims that a processor bound; certificates that replicas
   * took into use, and reviews that they cost; writes of hosts that were stored after their sender had given up.
   */
  readonly counts = { ...NO_COUNTS };
  readonly #plan: Plan;
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;
  readonly #views = new Map<SimProcess, ReplicaView>();
  readonly #open = new Set<OpenReview>();
  readonly #newest = new Map<string, string>();
  #stored: Stored | null = null;
  #leases: LeaseHistory | null = null;
  #order: OrderCheck | null = null;

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
    this.#order = new OrderCheck(this.#stored);
    checkStorage(store, this.violated);
    this.#leases = new LeaseHistory(store, this.#scheduler, this.violated);
    for (const resource of [HOSTS, MACHINES, REQUESTS]) {
      store.subscribe(resource, (change) => this.#stores(change));
    }
  }

  tap(process: SimProcess): Tap {
    const view = new ReplicaView(process, this.violated, () => void this.counts.lateStored++);
    this.#views.set(process, view);
    return view;
  }

  replicaStarted(member: ReplicaMember): void {
    this.#view(member.process).becomes(member, this.#plan.lease.renewDeadlineMs);
  }

  elected(process: SimProcess, event: string): void {
    this.#view(process).deeds.elected(event, process.monotonicMs());
  }

  /** The API server did not talk to a replica because of its certificate. */
  mistrusted(process: SimProcess, problem: string): void {
    this.counts.mistrusted++;
    this.#trace.note(this.#scheduler.nowMs, process.name, problem);
    if (this.#plan.faults.every((fault) => HARMLESS_TO_CERTIFICATES.has(fault)))
      this.violated(`a review was lost to a certificate, with nothing in its way: ${problem}`);
  }

  bindEnded(process: SimProcess, result: BindResult): void {
    const { claim, host, outcome } = result;
    this.#order?.bindEnded(process, result);
    const { createdAtMs } = this.#stored?.machine(claim.consumer) ?? claim;
    this.#view(process).deeds.bindEnded(result, process.wallMs() - createdAtMs);
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
    const view = this.#view(member.process);
    const open: OpenReview = {
      key: `${path === "/mutate" ? "mutate" : "validate"} ${uid}`,
      member,
      arrivedMs: this.#scheduler.nowMs,
      lease: view.lease,
      intentTerm: intentTermOf(object, oldObject),
      dryRun: request.dryRun,
      wronged: this.#isCurrent(member) ? this.#order!.now(member, view.lease) : null,
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
    const tookMs = process.monotonicMs() - process.monotonicAt(open.arrivedMs);
    if (this.#opened(process, key).length === 1 && Math.abs(record.tookMs - tookMs) > TURN_MS)
      this.violated(`${process.name} says that a review took ${record.tookMs} ms, and it took ${tookMs}`);
    if (record.dryRun) return;
    if (webhook === "validate" && allowed && mode === "optimistic") this.#checkOptimistic(open, record);
    if (allowed ? mode === "leader" : UNDER_A_LEADER.has(reason)) this.#checkTermLasts(open, record);
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

  /** Nobody is enforced for whom the Lease, as the replica has known it, had run out before the review came. */
  #checkTermLasts({ member, arrivedMs }: OpenReview, record: DecisionRecord): void {
    const { process } = member;
    const withoutMs = this.#view(process).withoutLeaseMs(process.monotonicAt(arrivedMs));
    if (withoutMs > TURN_MS)
      this.violated(
        `${process.name} answered ${record.reason || record.mode} ${Math.round(withoutMs)} ms after the last Lease that it knew`,
      );
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

  #answered(open: OpenReview, body: string): void {
    this.#open.delete(open);
    this.counts.reviews++;
    const { allowed, auditAnnotations } = (JSON.parse(body) as { response: ReviewResponse }).response;
    // One that came twice is decided twice, in whatever order.
    const others = this.#opened(open.member.process, open.key);
    const told = [open, ...others].flatMap(({ records }) => records);
    const own = told.findIndex((record) => record.allowed === allowed);
    if (own < 0 || told.length > others.length + 1)
      this.violated(
        `${open.member.process.name} told ${told.length} decisions for ${others.length + 1} reviews`,
      );
    const [record] = told.splice(own, 1);
    const said = auditAnnotations?.reason;
    if (record === undefined) return;
    if (!allowed && said !== undefined && said !== record.reason)
      this.violated(`${open.member.process.name} answered ${said} and decided ${record.reason}`);
    this.#view(open.member.process).deeds.answered(record, record.tookMs);
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
