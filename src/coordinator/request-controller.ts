import type { Host } from "../claims/claim.ts";
import type { Clock } from "../clock.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import type { Log } from "../log.ts";
import { type ClaimRequest, readClaimRequest } from "../requests/claim-request.ts";
import { readBoundHost } from "./bound-host.ts";
import { deleteRequestOf, isGoneNow, typeOfConsumer } from "./consumer-object.ts";
import { currentRequest } from "./facts.ts";
import { settleBinding } from "./fence.ts";
import { nextAction, type RequestAction } from "./request-action.ts";
import {
  boundStatus,
  heldBackStatus,
  malformedStatus,
  pendingStatus,
  type RequestConditions,
  type RequestStatus,
  releasedStatus,
  setFinalizer,
  writeStatus,
} from "./request-status.ts";
import { WorkQueue } from "./workqueue.ts";
import type { World } from "./world.ts";

/** Looks again, in case the watch does not bring what somebody else wrote. */
const SAFETY_NET_MS = 2_000;

/**
 * A request whose consumer was never seen was made for a claim that is under way just now: deleting it at once would
 * refuse that claim.
 */
const NEVER_SEEN_GRACE_MS = 2_000;

export interface RequestControllerOptions {
  api: KubeApi;
  world: World;
  clock: Clock;
  log: Log;
  random: () => number;
  profileFor(hostKind: string): HostProfile | undefined;
  profileForMachine(machineKind: string): HostProfile | undefined;
  /**
   * What is due is done after this time: at once would be too soon for a binding whose write is still under way, and
   * a replica that another one leads leaves the work to the leader unless it stays undone.
   */
  graceMs(action: RequestAction["do"]): number;
  /** The term of this replica while it may write under it, formatted; "" while it has none. */
  term(): string;
  parallelism: number;
  onBound?(request: ClaimRequest, host: Host): void;
}

/**
 * Keeps every ClaimRequest true: settles bindings, notes what became of them, releases what a deleted explicit
 * request held, and removes requests whose consumer is gone, also where no garbage collector runs. Level-triggered
 * by request uid; every write has the request's resourceVersion as precondition, so replicas may overlap.
 */
export class RequestController {
  readonly #options: RequestControllerOptions;
  readonly #work: WorkQueue;
  /** Requests of which it is noted later that they are Bound. */
  readonly #postponed = new Set<string>();
  /** Since when the same action has been due for the same version, by request uid. */
  readonly #dueSince = new Map<string, { what: string; atMs: number }>();

  constructor(options: RequestControllerOptions) {
    this.#options = options;
    const { clock, random, parallelism, log } = options;
    this.#work = new WorkQueue({
      clock,
      random,
      parallelism,
      reconcile: (uid, signal) => this.#reconcile(uid, signal),
      onError: (uid, error) =>
        log.warn({ err: error, requestUID: uid }, "A ClaimRequest could not be looked after"),
    });
  }

  start(signal: AbortSignal): void {
    this.#work.start(signal);
    this.resync();
  }

  /** Something about this request, its consumer or its host has changed. */
  enqueue(requestUid: string): void {
    this.#work.add(requestUid);
  }

  /** Looks at all of them again: on taking the Lease, and when responsibility may have come to this replica. */
  resync(): void {
    for (const request of this.#options.world.requests()) this.#work.add(request.uid);
  }

  /** What could wait while there was more urgent work need not wait any longer. */
  catchUp(): void {
    for (const uid of this.#postponed) this.#work.add(uid);
    this.#postponed.clear();
  }

  #actionOf(request: ClaimRequest): RequestAction {
    const { world } = this.#options;
    const facts = world.factsOf(request);
    const term = this.#options.term();
    const machine = facts?.machine ?? null;
    return nextAction({
      request,
      boundHost: request.binding === null ? undefined : world.host(request.binding.hostUID),
      held: world.heldBy(request.consumer),
      consumerGone: !request.explicit && world.isGone(request.consumer),
      writingHere: facts !== undefined && facts.reserved !== null,
      heldBackNoLonger:
        term !== "" && request.heldBackTerm === term && facts?.suspended === false && facts.reserved === null,
      malformed: machine === null ? "" : machine.problems.join("; "),
      consumerWaits: machine?.waits === true && facts !== undefined && currentRequest(facts) === request,
    });
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<number | undefined> {
    const { world, clock } = this.#options;
    this.#postponed.delete(uid);
    const request = world.request(uid);
    if (request === undefined) {
      this.#dueSince.delete(uid);
      return undefined;
    }
    const action = this.#actionOf(request);
    if (action.do === "nothing") {
      this.#dueSince.delete(uid);
      return undefined;
    }
    const neverSeen = action.do === "deleteIfConsumerGone" && request.consumer.uid === "";
    const leastMs = neverSeen ? NEVER_SEEN_GRACE_MS : 0;
    const graceMs = Math.max(leastMs, this.#options.graceMs(action.do));
    const waitMs = this.#dueSinceMs(request, action.do) + graceMs - clock.monotonicMs();
    if (waitMs > 0) {
      if (action.do === "markBound") this.#postponed.add(uid);
      return waitMs;
    }
    try {
      await this.#perform(request, action, { signal });
      this.#dueSince.delete(uid);
    } catch (error) {
      // Somebody was faster; the watch brings what they wrote, and this is a safety net behind it.
      if (isConflict(error) || isNotFound(error)) return SAFETY_NET_MS;
      throw error;
    }
    return undefined;
  }

  #dueSinceMs({ uid, resourceVersion }: ClaimRequest, action: RequestAction["do"]): number {
    const what = `${action} ${resourceVersion}`;
    const known = this.#dueSince.get(uid);
    if (known?.what === what) return known.atMs;
    const atMs = this.#options.clock.monotonicMs();
    this.#dueSince.set(uid, { what, atMs });
    return atMs;
  }

  async #perform(request: ClaimRequest, action: RequestAction, call: CallOptions): Promise<void> {
    switch (action.do) {
      case "nothing":
        return;
      case "resolve":
        return this.#resolve(request, call);
      case "markBound":
        return this.#markBound(request, action.host, call);
      case "free":
        return this.#status(request, pendingStatus(`Waiting again: ${action.why}`), call);
      case "confirmRelease":
        return this.#confirmRelease(request, action.waitsAgain, call);
      case "confirmHolding":
        return this.#confirmHolding(request, action.host, call);
      case "markReleased":
        return this.#markReleased(request, action.waitsAgain, call);
      case "releaseHost":
        return this.#releaseHost(request, action.host, call);
      case "dropFinalizer":
        return this.#dropFinalizer(request, call);
      case "reportMalformed":
        return this.#status(request, malformedStatus(action.message, this.#options.clock.wallMs()), call);
      case "endHoldBack":
        return this.#status(request, heldBackStatus(null), call);
      case "deleteIfConsumerGone":
        return this.#deleteIfConsumerGone(request, call);
    }
  }

  async #confirmRelease(request: ClaimRequest, waitsAgain: boolean, call: CallOptions): Promise<void> {
    const { api, profileFor, world } = this.#options;
    const { binding, consumer, hostNamespace } = request;
    const profile = profileFor(request.hostKind);
    if (binding === null || profile === undefined) return;
    const read = await readBoundHost(api, profile, consumer, hostNamespace, binding, call);
    if (read.host !== null) world.setHost(read.host);
    if (read.state === "ours") return;
    // Nobody has taken it away from who applied it: there is just none any more, and one is still asked for.
    const lost = read.host === null || read.host.uid !== binding.hostUID;
    if (request.explicit && lost) {
      return this.#status(request, pendingStatus("Waiting again: its host was deleted"), call);
    }
    await this.#markReleased(request, waitsAgain, call);
  }

  /** An old holding must never take the place of a newer binding. */
  async #confirmHolding(request: ClaimRequest, { kind, ...host }: Host, call: CallOptions): Promise<void> {
    const { api, profileFor, world } = this.#options;
    const profile = profileFor(kind);
    if (profile === undefined) return;
    const held = { hostName: host.name, hostUID: host.uid, hostResourceVersion: "", term: "" };
    const read = await readBoundHost(api, profile, request.consumer, host.namespace, held, call);
    if (read.host !== null) world.setHost(read.host);
    if (read.state === "ours") await this.#markBound(request, read.host, call);
  }

  async #markReleased(request: ClaimRequest, waitsAgain: boolean, call: CallOptions): Promise<void> {
    const released = releasedStatus(this.#options.clock.wallMs());
    await this.#status(request, waitsAgain ? pendingStatus("Waiting again after a release") : released, call);
  }

  async #deleteIfConsumerGone(request: ClaimRequest, call: CallOptions): Promise<void> {
    const { api, profileForMachine } = this.#options;
    const { consumer } = request;
    const type = typeOfConsumer(consumer, profileForMachine);
    if (type === undefined || !(await isGoneNow(api, type, consumer, call))) return;
    await deleteRequestOf(this.#options, request, call);
  }

  async #resolve(request: ClaimRequest, call: CallOptions): Promise<void> {
    const { binding } = request;
    const profile = this.#options.profileFor(request.hostKind);
    if (binding === null || profile === undefined) return;
    const { api, world, log } = this.#options;
    const settled = await settleBinding(api, profile, request, binding, call);
    if (settled.host !== null) world.setHost(settled.host);
    if (settled.state === "ours") return this.#markBound(request, settled.host, call);
    if (settled.fenced) {
      log.info(
        { request: `${request.namespace}/${request.name}`, host: binding.hostName },
        "Fenced a host to settle a binding",
      );
    }
    await this.#status(
      request,
      pendingStatus("Waiting again: the claim of its host did not take effect"),
      call,
    );
  }

  async #markBound(request: ClaimRequest, host: Host, call: CallOptions): Promise<void> {
    const binding = {
      hostName: host.name,
      hostUID: host.uid,
      hostResourceVersion: host.resourceVersion,
      term: request.binding?.term ?? "",
    };
    const elsewhere = request.hostNamespace === host.namespace ? {} : { hostNamespace: host.namespace };
    await this.#status(
      request,
      { ...boundStatus(binding, this.#options.clock.wallMs()), ...elsewhere },
      call,
    );
    this.#options.onBound?.(request, host);
  }

  async #releaseHost(request: ClaimRequest, host: Host, call: CallOptions): Promise<void> {
    const profile = this.#options.profileFor(host.kind);
    if (profile === undefined) return;
    const patch = { type: "merge", body: profile.releasePatch(host) } as const;
    const written = await this.#options.api.patch(profile.hostType, key(host), patch, call);
    this.#options.world.setHost(profile.readHost(written));
    await setFinalizer(this.#options.api, request, false, call);
  }

  async #dropFinalizer(request: ClaimRequest, call: CallOptions): Promise<void> {
    const { api, profileFor } = this.#options;
    const { binding, explicit, consumer, hostNamespace } = request;
    const profile = profileFor(request.hostKind);
    if (explicit && binding !== null && profile !== undefined) {
      // Its host would be held by nobody for ever, should the mirror of hosts be behind that of requests.
      const read = await readBoundHost(api, profile, consumer, hostNamespace, binding, call);
      if (read.state === "ours") return this.#releaseHost(request, read.host, call);
    }
    await setFinalizer(this.#options.api, request, false, call);
  }

  async #status(
    request: ClaimRequest,
    status: RequestStatus | RequestConditions | ReturnType<typeof heldBackStatus>,
    call: CallOptions,
  ): Promise<void> {
    const written = await writeStatus(this.#options.api, request, status, call);
    this.#options.world.setRequest(readClaimRequest(written));
  }
}

function key({ namespace, name }: { namespace: string; name: string }): { namespace: string; name: string } {
  return { namespace, name };
}
