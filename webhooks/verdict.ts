import { type Claim, type Consumer, formatTerm, type Host } from "../src/claims/claim.ts";
import {
  type Attempt,
  type ClaimsView,
  type Decision,
  decide,
  type HolderState,
} from "../src/claims/decide.ts";
import { type HolderRule, isHolder, parseRequester, type Requester } from "../src/claims/holder.ts";
import type { Rejection, RejectReason } from "../src/claims/reasons.ts";
import type { Clock } from "../src/clock.ts";
import type { Holder } from "../src/coordinator/holder.ts";
import { type Intent, intentOf } from "../src/coordinator/intent.ts";
import type { World } from "../src/coordinator/world.ts";
import type { HostProfile, HostTransition } from "../src/hosts/profile.ts";
import type { KubeObject } from "../src/kube/api.ts";
import type { ReviewRequest, UserInfo } from "./review.ts";

/** A reviewer that is behind the holder waits this long for its mirrors before it says OutOfOrder. */
const CATCH_UP_MS = 1_000;

export interface VerdictOptions {
  world: World;
  holder: Holder;
  clock: Clock;
  rule: HolderRule;
  /** Members may write any host at any time; empty by default. */
  breakGlassGroups: readonly string[];
  profileForResource(group: string, resource: string): HostProfile | undefined;
  /** Why this replica can't judge this claim now (mirrors not synced or too old), or null. May have to look first. */
  notReady(host: Host, change: HostTransition): string | null | Promise<string | null>;
  /** Waits until the mirrors have seen these resourceVersions; false when that took too long. */
  caughtUp(hostKind: string, intent: Intent, withinMs: number, signal: AbortSignal): Promise<boolean>;
}

/** A judged review: the decision, and what stamps, records, logs and metrics say of it. */
export interface Verdict {
  readonly decision: Decision;
  readonly profile: HostProfile | null;
  readonly host: Host | null;
  readonly consumer: Consumer | null;
  readonly requester: Requester;
  readonly requesterIsHolder: boolean;
  readonly holder: HolderState;
  readonly intent: Intent | null;
  readonly brokeGlass: boolean;
}

/** A claim or a steal, read and not yet judged. */
interface Asked {
  readonly profile: HostProfile;
  readonly host: Host;
  readonly change: HostTransition;
  readonly requester: Requester;
  readonly intent: Intent | null;
}

const UNINVOLVED: Decision = { allow: true, mode: "uninvolved", takesBinding: false };
const NO_HOLDER: HolderState = { kind: "none" };

/** What a mirror that is behind the holder's can make of a claim that is all right. */
const REFUSED_BY_MIRROR: ReadonlySet<RejectReason | ""> = new Set([
  "OutOfOrder",
  "ConsumerHoldsHost",
  "HostUnavailable",
]);

/** The one question that both webhooks ask. Between the last look at the world and `decide` nothing is awaited. */
export class Judge {
  readonly #options: VerdictOptions;
  /** Most reviews are about writes of the same few, who come as the same object. */
  readonly #requesters = new WeakMap<UserInfo, Requester>();

  constructor(options: VerdictOptions) {
    this.#options = options;
  }

  judge(request: ReviewRequest, signal: AbortSignal): Verdict | Promise<Verdict> {
    const requester = this.#requesterOf(request.userInfo);
    const profile = this.#options.profileForResource(request.group, request.resource);
    if (profile === undefined || request.operation !== "UPDATE" || request.subresource !== "") {
      return uninvolved(requester, null, null);
    }
    const host = profile.readHost(request.oldObject);
    const change = profile.transition(request.oldObject, request.object);
    if (change.transition !== "claim" && change.transition !== "steal")
      return uninvolved(requester, profile, host);
    if (this.#breaksGlass(requester)) {
      return { ...uninvolved(requester, profile, host), consumer: change.consumer, brokeGlass: true };
    }
    const intent = intentOf(request.oldObject, request.object);
    const asked: Asked = { profile, host, change, requester, intent };
    const notReady = this.#options.notReady(host, change);
    if (notReady instanceof Promise) return notReady.then((why) => this.#judge(asked, why, signal));
    return this.#judge(asked, notReady, signal);
  }

  /** Whether the Lease is still as the verdict has it; that nobody holds it is confirmed as it was for the verdict. */
  stands({ holder }: Verdict, signal: AbortSignal): boolean | Promise<boolean> {
    const now = this.#options.holder.state();
    if (now.kind !== holder.kind) return false;
    if (now.kind === "valid" && holder.kind === "valid")
      return formatTerm(now.term) === formatTerm(holder.term);
    const confirmed = this.#options.holder.confirmed(null, signal);
    if (!(confirmed instanceof Promise)) return confirmed.kind === "none";
    return confirmed.then((state) => state !== "unknown" && state.kind === "none");
  }

  #judge(asked: Asked, notReady: string | null, signal: AbortSignal): Verdict | Promise<Verdict> {
    if (notReady !== null) return unjudged(asked, "NotReady", notReady);
    const { intent } = asked;
    const verdict = this.#confirm(asked, signal);
    if (intent === null) return verdict;
    if (verdict instanceof Promise)
      return verdict.then((known) => this.#afterCatchingUp(known, asked, intent, signal));
    return this.#afterCatchingUp(verdict, asked, intent, signal);
  }

  #confirm(asked: Asked, signal: AbortSignal): Verdict | Promise<Verdict> {
    const holder = this.#options.holder.confirmed(asked.intent?.term ?? null, signal);
    if (!(holder instanceof Promise)) return this.#decide(asked, holder);
    return holder.then((state) =>
      state === "unknown"
        ? unjudged(asked, "LeaseUnknown", "the Lease could not be read")
        : this.#decide(asked, state),
    );
  }

  #decide({ profile, host, change, requester, intent }: Asked, holder: HolderState): Verdict {
    const { world, rule } = this.#options;
    const { transition, consumer, mayCrossNamespaces } = change;
    const requesterIsHolder =
      holder.kind === "valid" && isHolder(requester, holder.term.holderIdentity, rule);
    const attempt: Attempt = {
      transition,
      host,
      consumer,
      mayCrossNamespaces,
      requesterIsHolder,
      intentTerm: intent?.term ?? null,
      cluster: consumer === null ? "" : world.clusterOf(consumer),
    };
    const decision = decide(attempt, this.#view(holder));
    return {
      decision,
      profile,
      host,
      consumer,
      requester,
      requesterIsHolder,
      holder,
      intent,
      brokeGlass: false,
    };
  }

  #afterCatchingUp(
    verdict: Verdict,
    asked: Asked,
    intent: Intent,
    signal: AbortSignal,
  ): Verdict | Promise<Verdict> {
    if (!REFUSED_BY_MIRROR.has(reasonOf(verdict))) return verdict;
    return this.#options
      .caughtUp(asked.host.kind, intent, CATCH_UP_MS, signal)
      .then((caughtUp) => (caughtUp ? this.#confirm(asked, signal) : verdict));
  }

  #requesterOf(userInfo: UserInfo): Requester {
    const known = this.#requesters.get(userInfo);
    if (known !== undefined) return known;
    const requester = parseRequester(userInfo);
    this.#requesters.set(userInfo, requester);
    return requester;
  }

  #breaksGlass(requester: Requester): boolean {
    const { breakGlassGroups } = this.#options;
    return breakGlassGroups.length > 0 && requester.groups.some((group) => breakGlassGroups.includes(group));
  }

  #view(holder: HolderState): ClaimsView {
    const { world, clock } = this.#options;
    return {
      holder,
      heldElsewhere: (consumer, hostUid) => world.heldElsewhere(consumer, hostUid),
      displaced: (consumer, host): Claim | null => {
        // A review does not carry the inventory along.
        const hardware = world.host(host.uid)?.hardware ?? null;
        return world.displaced(consumer, { ...host, hardware }, clock.wallMs());
      },
    };
  }
}

function uninvolved(requester: Requester, profile: HostProfile | null, host: Host | null): Verdict {
  return {
    decision: UNINVOLVED,
    profile,
    host,
    consumer: null,
    requester,
    requesterIsHolder: false,
    holder: NO_HOLDER,
    intent: null,
    brokeGlass: false,
  };
}

function unjudged(asked: Asked, reason: "NotReady" | "LeaseUnknown", detail: string): Verdict {
  const { profile, host, change, requester, intent } = asked;
  const { consumer } = change;
  return {
    decision: { allow: false, rejection: { reason, host, consumer, detail } as Rejection },
    profile,
    host,
    consumer,
    requester,
    requesterIsHolder: false,
    holder: NO_HOLDER,
    intent,
    brokeGlass: false,
  };
}

/** "" for an allowed one. */
export function reasonOf(verdict: Verdict): RejectReason | "" {
  return verdict.decision.allow ? "" : verdict.decision.rejection.reason;
}

/** formatTerm of the holder under which the verdict was given, or "". */
export function termOf({ holder }: Verdict): string {
  return holder.kind === "valid" ? formatTerm(holder.term) : "";
}

/** The consumerRef of a host as its writer wrote it; {} where it has none. */
export function consumerRefOf(object: KubeObject): Readonly<Record<string, unknown>> {
  const spec = object.spec as { consumerRef?: Record<string, unknown> } | undefined;
  return spec?.consumerRef ?? {};
}
