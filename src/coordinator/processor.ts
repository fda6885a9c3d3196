import type { Claim, Consumer, Host, Term } from "../claims/claim.ts";
import { consumerKey, formatTerm } from "../claims/claim.ts";
import type { Clock, Timer } from "../clock.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { KubeApi } from "../kube/api.ts";
import { isConflict, isDefiniteRejection, isNotFound } from "../kube/errors.ts";
import type { Log } from "../log.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";
import type { Bindings } from "./binding.ts";
import { deleteRequestOf, isGoneNow, typeUnmirrored } from "./consumer-object.ts";
import { encodeIntent, type Intent } from "./intent.ts";
import type { World } from "./world.ts";

/** A claim whose binding fails waits 0.5 s, then twice as long each time, up to a minute. */
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 60_000;

export interface ProcessorOptions {
  api: KubeApi;
  world: World;
  bindings: Bindings;
  clock: Clock;
  log: Log;
  random: () => number;
  profileFor(hostKind: string): HostProfile | undefined;
  /** The term of this replica while it may write under it, else null (Elector.termHolds). */
  term(): Term | null;
  /** resourceVersions up to which the choice has seen things. */
  seen(hostKind: string): Pick<Intent, "hosts" | "requests" | "machines">;
  /** Bindings written at the same time, 1 to 256. */
  parallelism: number;
  onResult(result: BindResult): void;
  /** There are no longer more hosts to bind than can be written at once. */
  onRelief?(): void;
}

export interface BindResult {
  claim: Claim;
  host: Host;
  /** bound: the host is the consumer's. retry: refused or outdated. unknown: settled later by the controller. */
  outcome: "bound" | "retry" | "unknown";
  tookMs: number;
  error?: unknown;
}

/**
 * The holder's work: gives waiting claims their hosts, in priority order, by the binding protocol. It keeps no
 * state but backoffs; what is under way is reserved in the world, and a successor starts from the API's objects.
 */
export class Processor {
  readonly #options: ProcessorOptions;
  readonly #backoff = new Map<string, { failures: number; timer: Timer | null }>();
  #inflight = 0;
  #saturated = false;
  #scheduled: Timer | null = null;
  #signal: AbortSignal | null = null;
  #lastPassMs: number;

  constructor(options: ProcessorOptions) {
    this.#options = options;
    this.#lastPassMs = options.clock.monotonicMs();
  }

  /** Works until the signal is aborted; while this replica has no term a pass does nothing. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    this.#lastPassMs = this.#options.clock.monotonicMs();
    signal.addEventListener("abort", () => this.#forgetBackoffs(), { once: true });
    this.wake();
  }

  /** A term of this replica begins: what it has not done before does not count against it. */
  beginTerm(): void {
    this.#lastPassMs = this.#options.clock.monotonicMs();
  }

  /** The term is over: what was held back under it is nobody's business any more. */
  endTerm(): void {
    this.#saturated = false;
    this.#forgetBackoffs();
  }

  /** Nothing is left of this consumer: neither is of its failures. */
  forget(id: string): void {
    if (!this.#backoff.has(id)) return;
    this.#clearBackoff(id);
    this.#options.world.suspend(id, false);
  }

  /** Something changed: makes one pass in the next turn, however often it is called before. */
  wake(): void {
    if (this.#scheduled !== null || this.#signal === null || this.#signal.aborted) return;
    this.#scheduled = this.#options.clock.schedule(0, () => {
      this.#scheduled = null;
      this.#pass();
    });
  }

  /** For how long no pass has been completed; a holder that can't work must let go. */
  sinceLastPassMs(): number {
    return this.#options.clock.monotonicMs() - this.#lastPassMs;
  }

  get inflight(): number {
    return this.#inflight;
  }

  /** Whether more claims could be bound than are allowed to be at once. */
  get saturated(): boolean {
    return this.#saturated;
  }

  #pass(): void {
    const { world, term, parallelism, clock, log } = this.#options;
    const current = term();
    const signal = this.#signal;
    if (current === null || signal === null || signal.aborted) return;
    for (const { claim, hostUid } of this.#placements(parallelism - this.#inflight)) {
      const host = world.host(hostUid);
      if (host === undefined) continue;
      world.reserve(claim.id, hostUid);
      this.#inflight++;
      log.info(
        { consumer: claim.id, host: host.name, term: formatTerm(current) },
        "Processing claim as leader",
      );
      void this.#bind(claim, host, current, signal);
    }
    this.#lastPassMs = clock.monotonicMs();
    const relieved = this.#saturated && this.#inflight < parallelism;
    this.#saturated = this.#inflight >= parallelism;
    if (relieved) this.#options.onRelief?.();
  }

  /** Collected first: reserving changes the queue that place() walks over. */
  #placements(most: number): { claim: Claim; hostUid: string }[] {
    return most <= 0 ? [] : [...this.#options.world.queue.place(most)];
  }

  async #bind(claim: Claim, host: Host, term: Term, signal: AbortSignal): Promise<void> {
    const { clock, world, onResult } = this.#options;
    const startedMs = clock.monotonicMs();
    let outcome: BindResult["outcome"] = "retry";
    let error: unknown;
    try {
      outcome = await this.#write(claim, host, term, signal);
    } catch (caught) {
      error = caught;
      // Conflicts are how others' writes are noticed; anything else somebody may have to mend.
      if (!isConflict(caught) && !signal.aborted) {
        const fields = { err: caught, consumer: claim.id, host: host.name };
        this.#options.log.warn(fields, "A claim could not be bound; trying again later");
      }
      outcome = caught instanceof UnknownOutcome ? "unknown" : "retry";
    }
    this.#inflight--;
    if (outcome === "bound") this.#clearBackoff(claim.id);
    else this.#backOff(claim, term);
    world.unreserve(claim.id);
    const result: BindResult = { claim, host, outcome, tookMs: clock.monotonicMs() - startedMs };
    onResult(error === undefined ? result : { ...result, error });
    this.wake();
  }

  /** Steps 2 and 3 of the binding protocol; step 4 for what is certain here. */
  async #write(claim: Claim, host: Host, term: Term, signal: AbortSignal): Promise<BindResult["outcome"]> {
    const { api, bindings, profileFor, seen, world } = this.#options;
    const profile = profileFor(host.kind);
    if (profile === undefined) return "retry";
    const { consumer } = claim;
    if (await this.#isGone(consumer, signal)) {
      await this.#endRequest(consumer, signal);
      return "retry";
    }
    const machine = world.consumer(claim.id)?.machine ?? null;
    const known = world.requestOf(consumer)?.consumerRef ?? null;
    const consumerRef = known ?? (machine === null ? { ...consumer } : profile.machineReference(machine));
    const taken = await bindings.take(
      { consumer, consumerRef, hostKind: host.kind, namespace: host.namespace, host, term: formatTerm(term) },
      { signal },
    );
    if (!taken.ok) return "retry";
    if (!this.#stillHolds(term)) {
      await this.#giveBack(taken.request, "Waiting again: the leader changed", signal);
      return "retry";
    }
    const annotations = encodeIntent({ term: formatTerm(term), ...seen(host.kind), nonce: this.#nonce() });
    const body = profile.claimPatch(host, { consumer, machine, attemptedRef: consumerRef, annotations });
    try {
      const key = { namespace: host.namespace, name: host.name };
      // Never aborted: whether it lands must be learned from its answer, or else from the host itself.
      world.setHost(profile.readHost(await api.patch(profile.hostType, key, { type: "merge", body })));
      return "bound";
    } catch (error) {
      if (!isDefiniteRejection(error)) throw new UnknownOutcome(error);
      await this.#giveBack(taken.request, "Waiting again: its host was not to be had", signal);
      throw error;
    }
  }

  /** Of a kind that is not mirrored only a read tells; one that ends otherwise than with "not found" tells nothing. */
  async #isGone(consumer: Consumer, signal: AbortSignal): Promise<boolean> {
    const { api, log } = this.#options;
    const type = typeUnmirrored(consumer);
    if (type === undefined) return false;
    try {
      return await isGoneNow(api, type, consumer, { signal });
    } catch (error) {
      const fields = { err: error, consumer: consumerKey(consumer) };
      if (!signal.aborted)
        log.warn(fields, "Whether a consumer exists could not be read; it is bound all the same");
      return false;
    }
  }

  /** It has no owner that would take it away, and its host would be held by nobody for ever. */
  async #endRequest(consumer: Consumer, signal: AbortSignal): Promise<void> {
    const request = this.#options.world.requestOf(consumer);
    if (request === null) return;
    try {
      await deleteRequestOf(this.#options, request, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #stillHolds(term: Term): boolean {
    const now = this.#options.term();
    return now !== null && formatTerm(now) === formatTerm(term);
  }

  /** Best effort: what it can't write now, the request controller settles from the host. */
  async #giveBack(request: ClaimRequest, message: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.bindings.giveBack(request, message, { signal });
    } catch (error) {
      this.#options.log.debug(
        { err: error, request: request.name },
        "A binding could not be given back at once",
      );
    }
  }

  #nonce(): string {
    return Math.floor(this.#options.random() * 2 ** 48).toString(36);
  }

  #backOff(claim: Claim, term: Term): void {
    const { id } = claim;
    const { clock, random, world } = this.#options;
    const failures = (this.#backoff.get(id)?.failures ?? 0) + 1;
    if (failures === 1) {
      // Somebody else was faster, most likely: the next choice is made at once from what is free now.
      this.#backoff.set(id, { failures, timer: null });
      return;
    }
    const ceilingMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 2), LAST_BACKOFF_MS);
    void this.#holdBack(claim, term);
    world.suspend(id, true);
    const timer = clock.schedule(ceilingMs * (0.5 + random() / 2), () => world.suspend(id, false));
    this.#backoff.set(id, { failures, timer });
  }

  /** Best effort: until it is written, other replicas go on counting the claim as one that is ahead. */
  async #holdBack(claim: Claim, term: Term): Promise<void> {
    const { bindings, world, log } = this.#options;
    const request = world.requestOf(claim.consumer);
    if (request === null) return;
    try {
      await bindings.holdBack(request, formatTerm(term));
    } catch (error) {
      log.debug({ err: error, request: request.name }, "It could not be said that a claim is held back");
    }
  }

  #clearBackoff(id: string): void {
    this.#backoff.get(id)?.timer?.cancel();
    this.#backoff.delete(id);
  }

  #forgetBackoffs(): void {
    for (const id of [...this.#backoff.keys()]) {
      this.#clearBackoff(id);
      this.#options.world.suspend(id, false);
    }
  }
}

/** The write of a host ended without a definite answer: it may have landed, or may land yet. */
class UnknownOutcome extends Error {
  constructor(cause: unknown) {
    super("the write ended without an answer", { cause });
  }
}
