import { createMutate } from "../webhooks/mutate.ts";
import { type DecisionRecord, Outcomes } from "../webhooks/outcome.ts";
import { Refusals } from "../webhooks/refusal.ts";
import type { ReviewHandler } from "../webhooks/review.ts";
import { type SignReceipt, Stamps } from "../webhooks/stamps.ts";
import { createValidate } from "../webhooks/validate.ts";
import { Judge } from "../webhooks/verdict.ts";
import { formatTerm, type Host, type Term } from "./claims/claim.ts";
import type { HolderRule } from "./claims/holder.ts";
import { type Clock, sleep } from "./clock.ts";
import { Ability } from "./coordinator/ability.ts";
import { Bindings } from "./coordinator/binding.ts";
import { Demand } from "./coordinator/demand.ts";
import { Following } from "./coordinator/following.ts";
import { Holder } from "./coordinator/holder.ts";
import { HolderMatch, holderHasWork } from "./coordinator/holder-match.ts";
import { type BindResult, Processor } from "./coordinator/processor.ts";
import { Recorder } from "./coordinator/recorder.ts";
import { RequestController } from "./coordinator/request-controller.ts";
import { World } from "./coordinator/world.ts";
import type { HostProfile, Machine } from "./hosts/profile.ts";
import type { KubeApi } from "./kube/api.ts";
import { Elector } from "./leader/elector.ts";
import type { Log } from "./log.ts";
import type { ClaimRequest } from "./requests/claim-request.ts";
import { LiveReads } from "./stateless/live-reads.ts";

/** A claim that may be bound again most often is, at once, and the binding says so. */
const HOLD_BACK_GRACE_MS = 1_000;
/** A binding that the watch has not settled by then is settled by fencing its host. */
const BINDING_GRACE_MS = 2_000;
/** The same for a replica that does not lead while another of ours does: a safety net behind the leader. */
const STANDBY_GRACE_MS = 10_000;
/** Longer than a leader may be busy. */
const STANDBY_BOUND_GRACE_MS = 60_000;
/** A burst of 2,000 hosts that become free at once takes about 20 s. */
const BUSY_GRACE_MS = 30_000;
const CONTROLLER_PARALLELISM = 16;

export interface ReplicaOptions {
  api: KubeApi;
  clock: Clock;
  log: Log;
  random: () => number;
  profiles: readonly HostProfile[];
  /** spec.holderIdentity when this replica leads. */
  identity: string;
  stands: boolean;
  /** Watches nothing; each review reads what it needs. Excludes `stands`. Default false. */
  stateless?: boolean;
  leaseNamespace: string;
  leaseName: string;
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  relistMs: number;
  holderServiceAccounts: readonly string[];
  breakGlassGroups: readonly string[];
  foreignAttemptWindowMs: number;
  rejectionCode: 409 | 403;
  maxConcurrentBindings: number;
  /** null: claims are stamped without a receipt. */
  sign: SignReceipt | null;
  on: ReplicaEvents;
}

/** What happens, for metrics, events and the status page; none may throw. */
export interface ReplicaEvents {
  decision(record: DecisionRecord): void;
  bindResult(result: BindResult): void;
  bound(request: ClaimRequest, host: Host): void;
  leader(event: "started_leading" | "stopped_leading" | "new_leader", identity: string): void;
  machineProblems(machine: Machine): void;
  holderUnmatched(identity: string): void;
}

/** One replica of the coordinator, but for its sockets: rooms plugged together, nothing started. */
export class Replica {
  readonly world: World;
  readonly holder: Holder;
  readonly following: Pick<Following, keyof Following>;
  readonly elector: Elector | null;
  readonly processor: Processor;
  readonly controller: RequestController;
  readonly demand: Demand;
  readonly outcomes: Outcomes;
  readonly holderMatch: HolderMatch;
  readonly routes: Readonly<Record<"/mutate" | "/validate", ReviewHandler>>;
  readonly #options: ReplicaOptions;
  readonly #ability: Ability;
  readonly #live: LiveReads | null;
  readonly #recorder: Recorder;
  /** The term for which this replica has listed everything consistently and may therefore choose. */
  #preparedTerm: string | null = null;
  /** Aborted when the term is over for which it lists. */
  #preparing = new AbortController();
  /** Since when no such list has come to a good end, where the last one has failed; null otherwise. */
  #listsFailSinceMs: number | null = null;
  #leadingSinceMs: number | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { api, clock, log, random, profiles, retryPeriodMs, leaseName, leaseNamespace, on } = options;
    const profileFor = (kind: string) => profiles.find(({ hostType }) => hostType.kind === kind);
    const profileForMachine = (kind: string) => profiles.find(({ machineKind }) => machineKind === kind);
    this.world = new World({
      hostKindOf: (machineKind) => profileForMachine(machineKind)?.hostType.kind,
      mayCrossNamespaces: (consumer) => profiles.some((profile) => profile.mayCrossNamespaces(consumer)),
    });
    const { world } = this;
    this.holder = new Holder({ api, clock, leaseNamespace, leaseName, retryPeriodMs });
    const { holder } = this;
    const onMachineProblems = (machine: Machine) => on.machineProblems(machine);
    this.#live = options.stateless
      ? new LiveReads({ api, world, holder, profiles, onMachineProblems })
      : null;
    this.following =
      this.#live ??
      new Following({
        ...{ api, clock, log, random, world, profiles, leaseNamespace, leaseName, onMachineProblems },
        relistMs: options.relistMs,
        onLease: (lease, asOf) => holder.note(lease, asOf),
        onHostTerm: (term) => this.holderMatch.claimed(term),
      });
    this.#recorder = new Recorder({ api, world, profileFor });
    const bindings = new Bindings({ api, world, recorder: this.#recorder, profileFor });
    this.#ability = new Ability({
      api,
      clock,
      namespace: leaseNamespace,
      hostTypes: () =>
        profiles
          .map(({ hostType }) => hostType)
          .filter(({ kind }) => this.following.hostKindsServed().includes(kind)),
    });
    this.elector = options.stands ? this.#createElector() : null;
    this.processor = new Processor({
      api,
      world,
      bindings,
      clock,
      log,
      random,
      profileFor,
      term: () => this.#workingTerm(),
      seen: (hostKind) => this.following.seen(hostKind),
      parallelism: options.maxConcurrentBindings,
      onResult: (result) => on.bindResult(result),
      onRelief: () => this.controller.catchUp(),
    });
    this.controller = new RequestController({
      api: this.#live?.lookingAfterConflicts(api) ?? api,
      world,
      clock,
      log,
      random,
      profileFor,
      profileForMachine,
      graceMs: (action) => {
        const standsBy = this.#othersLookAfterRequests();
        // The host says already whose it is: to bind the next one is more urgent than to repeat it in a status.
        if (action === "markBound" && (standsBy || this.processor.saturated))
          return standsBy ? STANDBY_BOUND_GRACE_MS : BUSY_GRACE_MS;
        if (standsBy) return STANDBY_GRACE_MS;
        if (action === "endHoldBack") return HOLD_BACK_GRACE_MS;
        return action === "resolve" ? BINDING_GRACE_MS : 0;
      },
      term: () => {
        const term = this.#workingTerm();
        return term === null ? "" : formatTerm(term);
      },
      parallelism: CONTROLLER_PARALLELISM,
      onBound: (request, host) => on.bound(request, host),
    });
    this.demand = new Demand({
      world,
      recorder: this.#recorder,
      clock,
      log,
      random,
      profileForMachine,
      leads: () => this.#workingTerm() !== null && this.following.requestsAvailable(),
    });
    this.holderMatch = new HolderMatch({
      clock,
      holder: () => {
        const state = this.holder.state();
        return state.kind === "valid" ? { term: formatTerm(state.term), foreign: state.foreign } : null;
      },
      hasWork: () => holderHasWork(this.holder.state(), world),
      onUnmatched: (term) => on.holderUnmatched(term),
    });
    this.outcomes = new Outcomes({
      clock,
      log,
      rejectionCode: options.rejectionCode,
      onDecision: (record) => {
        this.holderMatch.note(record);
        on.decision(record);
      },
    });
    this.routes = this.#createRoutes(bindings);
    world.onChange(() => this.processor.wake());
    world.onConsumer((key) => {
      const { machine = null, request = null } = world.consumer(key) ?? {};
      if (machine === null && request === null) this.processor.forget(key);
      if (request !== null) this.controller.enqueue(request.uid);
      else this.demand.consider(key);
    });
    this.holder.onChange(() => this.#noteHolder());
  }

  /**
   * Starts following and, once synced, working and standing. Resolves when working and standing have ended. A replica
   * that still answers reviews must go on following, or it would judge by a world that stands still: `following` is
   * then aborted later than `signal`.
   */
  async run(signal: AbortSignal, following: AbortSignal = signal): Promise<void> {
    const { clock, retryPeriodMs, leaseDurationMs } = this.#options;
    this.following.start(following);
    try {
      await this.following.whenSynced(signal);
    } catch {
      return;
    }
    // Before the first attempt to lead, which would otherwise be put off by a retry period.
    if (this.elector !== null) await this.#ability.check();
    this.controller.start(signal);
    this.processor.start(signal);
    this.demand.start(signal);
    const tick = () => {
      if (signal.aborted) return;
      this.#watchOver(leaseDurationMs);
      timer = clock.schedule(retryPeriodMs, tick);
    };
    let timer = clock.schedule(retryPeriodMs, tick);
    await this.elector?.run(signal);
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    timer.cancel();
  }

  /** Why no verdict can be given now, or null. */
  notReady(): string | null {
    return this.following.notReady();
  }

  isLeading(): boolean {
    return this.elector?.isLeader() ?? false;
  }

  /** For how long this replica has been the holder; 0 when it is not. */
  leadingForMs(): number {
    return this.#leadingSinceMs === null ? 0 : this.#options.clock.monotonicMs() - this.#leadingSinceMs;
  }

  #createElector(): Elector {
    const { api, clock, log, random, identity, leaseNamespace, leaseName, on } = this.#options;
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    return new Elector({
      api,
      clock,
      log,
      random,
      namespace: leaseNamespace,
      name: leaseName,
      identity,
      leaseDurationMs,
      renewDeadlineMs,
      retryPeriodMs,
      observation: this.holder.observation,
      mayStand: () => this.following.notReady() ?? this.#ability.problem(),
      onStartedLeading: (term) => {
        this.#leadingSinceMs = clock.monotonicMs();
        this.#noteHolder();
        on.leader("started_leading", term.holderIdentity);
        this.#preparing = new AbortController();
        void this.#prepare(term, this.#preparing.signal);
      },
      onStoppedLeading: () => {
        this.#preparing.abort();
        this.#preparedTerm = null;
        this.#leadingSinceMs = null;
        this.processor.endTerm();
        this.controller.catchUp();
        this.#noteHolder();
        on.leader("stopped_leading", identity);
      },
      onNewLeader: (leader) => on.leader("new_leader", leader),
    });
  }

  /**
   * On taking the Lease: a consistent look at everything, and only then the first choice. It takes what it takes:
   * each of its calls has a limit, and whoever gave the Lease up for a slow list would begin with another one.
   */
  async #prepare(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, log, retryPeriodMs } = this.#options;
    this.#listsFailSinceMs = null;
    while (!signal.aborted) {
      const askedAtMs = clock.monotonicMs();
      try {
        await this.following.refresh(signal);
        if (signal.aborted) return;
        this.#preparedTerm = formatTerm(term);
        this.processor.beginTerm();
        this.controller.resync();
        this.demand.resync();
        this.processor.wake();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#listsFailSinceMs ??= askedAtMs;
        log.warn({ err: error }, "A new leader could not list hosts and requests yet");
        await sleep(clock, retryPeriodMs, signal).catch(() => {});
      }
    }
  }

  #workingTerm(): Term | null {
    const term = this.elector?.termHolds() ?? null;
    return term !== null && this.#preparedTerm === formatTerm(term) ? term : null;
  }

  #othersLookAfterRequests(): boolean {
    const state = this.holder.state();
    return state.kind === "valid" && !state.foreign && !this.isLeading();
  }

  /** A holder whose processor is dead, or whose mirrors are, would stop every claim: it lets go. */
  #watchOver(leaseDurationMs: number): void {
    this.world.expireHolderAttempts();
    this.processor.wake();
    if (!this.isLeading()) return;
    const stuck = this.#idleMs() > leaseDurationMs ? "no claim could be processed" : this.notReady();
    if (stuck !== null) this.elector?.resign(stuck);
  }

  /** For how long this holder has got nowhere. */
  #idleMs(): number {
    if (this.#preparedTerm !== null) return this.processor.sinceLastPassMs();
    return this.#listsFailSinceMs === null ? 0 : this.#options.clock.monotonicMs() - this.#listsFailSinceMs;
  }

  #noteHolder(): void {
    this.elector?.noteObservation();
    const { clock, foreignAttemptWindowMs } = this.#options;
    const state = this.holder.state();
    const foreign = state.kind === "valid" && state.foreign;
    this.world.setTermOfAnother(state.kind === "valid" && !this.isLeading() ? formatTerm(state.term) : null);
    this.world.setForeignHolder(
      foreign ? { nowMs: () => clock.monotonicMs(), windowMs: foreignAttemptWindowMs } : null,
    );
  }

  #createRoutes(bindings: Bindings): Replica["routes"] {
    const { clock, log, leaseNamespace, holderServiceAccounts, breakGlassGroups, profiles, sign } =
      this.#options;
    const { world, holder, following, outcomes } = this;
    const rule: HolderRule = { leaseNamespace, extraServiceAccounts: holderServiceAccounts };
    const judge = new Judge({
      world,
      holder,
      clock,
      rule,
      breakGlassGroups,
      profileForResource: (group, resource) =>
        profiles.find(({ hostType }) => hostType.group === group && hostType.plural === resource),
      notReady: (host, { mayCrossNamespaces }) =>
        this.#live?.look(host, { everywhere: mayCrossNamespaces }) ?? following.notReady(),
      caughtUp: (hostKind, intent, withinMs, signal) =>
        following.caughtUp(hostKind, intent, withinMs, signal),
    });
    const available = () => following.requestsAvailable();
    const refusals = new Refusals({
      outcomes,
      recorder: this.#recorder,
      world,
      clock,
      log,
      canRecord: available,
    });
    const stamps = new Stamps({ world, sign });
    return {
      "/mutate": createMutate({ judge, refusals, outcomes, stamps, clock }),
      "/validate": createValidate({
        judge,
        refusals,
        outcomes,
        bindings,
        world,
        clock,
        log,
        canBind: available,
      }),
    };
  }
}
