import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { silentLog } from "../../src/log.ts";
import { Replica } from "../../src/replica.ts";
import type { WebhookAnswer, WebhookTarget } from "../../src/sandbox/admission/review.ts";
import { Beskar7 } from "../../src/workload/beskar7.ts";
import type { ActiveFaults } from "./faults.ts";
import { Link } from "./link.ts";
import { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { EPOCH_MS, SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { answerReview, type ReviewPath } from "./review-door.ts";
import type { Scheduler } from "./scheduler.ts";
import { podUser, SimServer, SYSTEM_NAMESPACE } from "./server.ts";
import { Serving } from "./serving.ts";
import { Tally } from "./tally.ts";
import { type Trace, traceLog } from "./trace.ts";
import type { Witness } from "./witness.ts";

export const LEASE_NAME = "beskar7-claim-coordinator-leader";

/** What runs in a process that can crash and start again. */
export interface Member {
  readonly process: SimProcess;
  readonly link: Link;
  readonly network: Network;
}

export interface ReplicaMember extends Member {
  readonly replica: Replica;
  readonly pod: string;
  readonly identity: string;
  readonly stands: boolean;
  readonly tally: Tally;
  /** null: certificates are no matter in this run. */
  readonly serving: Serving | null;
}

export interface ClusterOptions {
  plan: Plan;
  scheduler: Scheduler;
  random: Random;
  active: ActiveFaults;
  witness: Witness;
  trace: Trace;
}

/** An API server, replicas of the service, and controllers that contend, each in a process of its own. */
export class Cluster {
  readonly server: SimServer;
  readonly replicas: (ReplicaMember | null)[] = [];
  readonly controllers: (Member | null)[] = [];
  readonly #options: ClusterOptions;
  readonly #wire: Random;
  /** Reviews of these replicas fail until then, true time. */
  readonly #deafUntilMs = new Map<number, number>();
  #born = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { scheduler, random, active } = options;
    this.#wire = random.fork("reviews");
    this.server = new SimServer({
      scheduler,
      random,
      active,
      callWebhook: (target, review) => this.#callWebhook(target, review),
    });
  }

  start(): void {
    const { plan } = this.#options;
    for (let slot = 0; slot < plan.replicas; slot++) this.startReplica(slot);
    for (let slot = 0; slot < plan.controllers.length; slot++) this.startController(slot);
  }

  *members(): Iterable<Member> {
    for (const member of [...this.replicas, ...this.controllers]) if (member !== null) yield member;
  }

  /** A new container in the same pod keeps the pod's name; a new pod does not. */
  startReplica(slot: number, sameName = true): void {
    const { plan, witness, trace, scheduler, active } = this.#options;
    const former = this.replicas[slot];
    const pod = sameName && former ? former.pod : `coordinator-${slot}-${this.#born}`;
    const member = this.#member(pod, podUser("beskar7-claim-coordinator", pod));
    const { process } = member;
    const random = this.#options.random.fork(`replica ${process.name}`);
    const identity = `${pod}_${random.uuid()}`;
    const stands = slot < plan.standing;
    const { api } = member.network;
    const tally: Tally = new Tally(process, random.next, api, () => replica.world);
    const log = traceLog(
      (what) => trace.note(scheduler.nowMs, process.name, what),
      (what) => witness.violated(`${process.name} stumbled: ${what}`),
    );
    const certified = plan.faults.includes("rotation") || plan.faults.includes("certificates");
    const serving = certified
      ? new Serving({ plan, api, process, log, random: random.fork("certificates") })
      : null;
    const replica: Replica = new Replica({
      api,
      clock: process,
      log,
      random: random.next,
      profiles: [physicalHostProfile],
      identity,
      stands,
      leaseNamespace: SYSTEM_NAMESPACE,
      leaseName: LEASE_NAME,
      leaseDurationMs: plan.lease.durationMs,
      renewDeadlineMs: plan.lease.renewDeadlineMs,
      retryPeriodMs: plan.lease.retryMs,
      relistMs: 600_000,
      holderServiceAccounts: [],
      breakGlassGroups: [],
      foreignAttemptWindowMs: 60_000,
      rejectionCode: 409,
      maxConcurrentBindings: 16,
      sign: null,
      on: {
        ...tally.events,
        decision: (record) => {
          tally.events.decision(record);
          witness.decided(process, record);
        },
        bindResult: (result) => {
          tally.events.bindResult(result);
          witness.bindEnded(process, result);
        },
        leader: (event, who) => {
          tally.events.leader(event, who);
          witness.elected(process, event);
          trace.note(scheduler.nowMs, process.name, event);
        },
      },
    });
    const started = { ...member, replica, pod, identity, stands, tally, serving };
    tally.measures(started);
    this.replicas[slot] = started;
    witness.replicaStarted(started);
    const { signal } = new AbortController();
    void replica.run(signal);
    serving?.start(signal, () => {
      witness.counts.renewed++;
      active.strike("rotation", true);
      trace.note(scheduler.nowMs, process.name, "serves a new certificate");
    });
  }

  startController(slot: number): void {
    const { plan } = this.#options;
    const pod = `beskar7-${slot}`;
    const member = this.#member(pod, podUser("beskar7", pod));
    const controller = new Beskar7({
      api: member.network.api,
      clock: member.process,
      log: silentLog,
      random: this.#options.random.fork(`controller ${member.process.name}`).next,
      release: plan.controllers[slot]!,
    });
    this.controllers[slot] = member;
    void controller.start(new AbortController().signal);
  }

  /** Reviews sent to this replica fail for a while, as behind a closed port. */
  deafen(slot: number, forMs: number): void {
    this.#deafUntilMs.set(slot, this.#options.scheduler.nowMs + forMs);
  }

  /** Everything runs again, and nothing is in the way any more. */
  heal(): void {
    this.#deafUntilMs.clear();
    this.server.down = false;
    for (const member of this.members()) member.link.heal();
    this.replicas.forEach((member, slot) => {
      if (!member?.process.alive) this.startReplica(slot);
    });
    this.controllers.forEach((member, slot) => {
      if (!member?.process.alive) this.startController(slot);
    });
  }

  #member(pod: string, user: ReturnType<typeof podUser>): Member {
    const { scheduler, active, random, witness, trace } = this.#options;
    const name = `${pod}#${this.#born++}`;
    const own = random.fork(`process ${name}`);
    const odd = active.strike("clocks", true);
    const process = new SimProcess({
      name,
      scheduler,
      random: own.fork("timers"),
      rate: odd ? own.between(0.95, 1.05) : 1,
      skewMs: odd ? own.between(-300_000, 300_000) : 0,
    });
    const link = new Link({ scheduler, active, process, random: own.fork("link") });
    const network = new Network({
      scheduler,
      server: this.server,
      link,
      remote: this.server.api(user),
      tap: witness.tap(process),
    });
    process.onCrash(() => trace.note(scheduler.nowMs, name, "crashed"));
    trace.note(scheduler.nowMs, name, "started");
    return { process, link, network };
  }

  /** The Service in front of the replicas: any that is ready, and for a while also some that are no longer. */
  #callWebhook(target: WebhookTarget, review: string): Promise<WebhookAnswer> {
    const { scheduler, witness, active } = this.#options;
    const path = target.service?.path as ReviewPath;
    const slots = [...this.replicas.keys()].filter((slot) => this.#inEndpoints(slot));
    const slot = this.#wire.pick(slots);
    const member = slot === undefined ? null : this.replicas[slot];
    if (slot === undefined || !member) return Promise.reject(new Error("no endpoints available"));
    if (!member.process.alive || (this.#deafUntilMs.get(slot) ?? 0) > scheduler.nowMs) {
      return Promise.reject(new Error("connect: connection refused"));
    }
    const mistrust = member.serving?.problem(target.caBundle, EPOCH_MS + scheduler.nowMs) ?? null;
    if (mistrust !== null) {
      witness.mistrusted(member.process, mistrust);
      return Promise.reject(new Error(`tls: failed to verify certificate: ${mistrust}`));
    }
    return new Promise((resolve) => {
      const ask = (to: ReplicaMember, reply: (body: string) => void) => {
        to.process.deliver(() => {
          const seen = witness.reviewArrives(to, path, review);
          answerReview(to, path, review, (body) => {
            if (!to.process.alive) return;
            seen.answered(body);
            reply(body);
          });
        });
      };
      const fate = member.link.request(false);
      // Nobody tells the API server that a review was lost: its webhook timeout does.
      if (!fate.arrives) return;
      scheduler.after(fate.afterMs, () =>
        ask(member, (body) => {
          const back = member.link.response();
          const answer = { code: 200, contentType: "application/json", body };
          if (back.arrives) scheduler.after(back.afterMs, () => resolve(answer));
        }),
      );
      const other = this.replicas[this.#wire.pick(slots) ?? slot];
      if (active.has("duplicates") && other && active.strike("duplicates", this.#wire.chance(0.1)))
        scheduler.after(fate.afterMs + this.#wire.between(0, 20_000), () => ask(other, () => {}));
    });
  }

  #inEndpoints(slot: number): boolean {
    const member = this.replicas[slot];
    if (!member) return false;
    if (!member.process.alive) return this.#wire.chance(0.3);
    return member.replica.notReady() === null && member.serving?.source !== null;
  }
}
