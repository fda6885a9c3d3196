import type { Fault } from "./faults.ts";
import type { Plan } from "./plan.ts";

/** A mistake that somebody could make in the product, put in as its source is loaded. */
export interface Mutation {
  readonly name: string;
  /** From the project's root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** What the violation must be about, so that it is not found by accident. */
  readonly caught: RegExp;
  /** Faults without which nobody would notice; they are active in each seed. */
  readonly needs: readonly Fault[];
  /** What each seed's plan is to be otherwise, where few seeds have it so. */
  readonly plan?: Partial<Plan>;
  /** Where to begin to look, for what few seeds show; default 1. */
  readonly fromSeed?: number;
}

/** Another one leads before a write that is late has landed. */
const SHORT = { durationMs: 6_000, renewDeadlineMs: 4_000, retryMs: 1_000 };

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "no fencing: a binding is freed while its write may still land",
    file: "src/coordinator/fence.ts",
    from: "host: await fenceHost(api, profile, read.host, call), fenced: true",
    to: "host: read.host, fenced: true",
    caught: /without a binding|while it had/,
    needs: ["late-writes", "partitions", "crashes", "churn"],
    plan: { replicas: 2, standing: 2, hosts: 5, machines: 8, faultMs: 90_000, lease: SHORT },
    fromSeed: 85,
  },
  {
    name: "a new leader chooses from its stale cache",
    file: "src/replica.ts",
    from: "await this.following.refresh(signal);",
    to: "",
    caught: /before it has listed/,
    needs: ["crashes"],
  },
  {
    name: "the host is written before the binding is taken",
    file: "src/coordinator/processor.ts",
    from: "const taken = await bindings.take(",
    to: "const taken = ((...all: unknown[]) => ({ ok: true as const, request: world.requestOf(consumer)! }))(",
    caught: /before it has the binding/,
    needs: [],
  },
  {
    name: "claims are admitted without taking the binding",
    file: "webhooks/validate.ts",
    from: "if (!decision.takesBinding || request.dryRun",
    to: 'if (decision.mode === "optimistic" || !decision.takesBinding || request.dryRun',
    caught: /without a binding/,
    needs: ["crashes"],
  },
  {
    name: "a Lease expires by the wall clock",
    file: "src/coordinator/holder.ts",
    from: "const state = this.observation.holderState(this.#options.clock.monotonicMs());",
    to: "const state = this.observation.holderState(this.#options.clock.wallMs() - 1767225600000);",
    caught: /without a leader under|as the leader's/,
    needs: ["clocks"],
  },
  {
    name: "the other host of a consumer is not asked about",
    file: "src/coordinator/binding.ts",
    from: "if (binding === null || binding.hostUID === taking.host.uid) return null;",
    to: "if (binding === null || binding !== null) return null;",
    caught: /without a binding|while it had/,
    needs: ["late-writes", "watch-lag", "churn"],
    plan: { standing: 0, replicas: 2, controllers: ["current", "current"], hosts: 5, machines: 6 },
  },
  {
    name: "the term is not checked before the host is written",
    file: "src/coordinator/processor.ts",
    from: "return now !== null && formatTerm(now) === formatTerm(term);",
    to: "return true;",
    caught: /which it does not hold|after its last renewal|knows to be over/,
    needs: ["freezes", "delays", "lease", "churn"],
  },
  {
    name: "the finalizer is taken off while a binding is unresolved",
    file: "src/coordinator/request-action.ts",
    from: '  if (phase === "Binding" && binding !== null) {',
    to: '  if (request.deleting && request.hasFinalizer) return { do: "dropFinalizer" };\n  if (phase === "Binding" && binding !== null) {',
    caught: /is gone while a write/,
    needs: ["churn", "delays", "slow-storage"],
  },
  {
    name: "a binding is written without a precondition",
    file: "src/coordinator/request-status.ts",
    from: "const body = { metadata: { resourceVersion, uid }, status };",
    to: "const body = { metadata: { uid }, status }; void resourceVersion;",
    caught: /without a binding|while it had/,
    needs: ["delays", "late-writes", "churn"],
    plan: { standing: 0, replicas: 2, controllers: ["current", "current"], hosts: 5, machines: 6 },
  },
  {
    name: "a host is claimed without a precondition",
    file: "src/hosts/physical-host.ts",
    from: "metadata: { resourceVersion: host.resourceVersion, annotations: write.annotations },",
    to: "metadata: { annotations: write.annotations },",
    caught: /without a precondition/,
    needs: [],
  },
  {
    name: "the term that a claim names is not compared",
    file: "src/claims/decide.ts",
    from: "if (intentTerm !== null && intentTerm !== formatTerm(holder.term)) {",
    to: 'if (intentTerm !== null && intentTerm === "") {',
    caught: /under a term that is over/,
    needs: ["crashes", "late-writes", "lease", "churn"],
    plan: { replicas: 2, standing: 2, hosts: 5, machines: 4, faultMs: 90_000 },
  },
  {
    name: "a stale cache may say that nobody holds the Lease",
    file: "src/coordinator/holder.ts",
    from: "if (!unknownTerm && ageMs <= this.#options.retryPeriodMs) return state;",
    to: "if (!unknownTerm && ageMs !== -1) return state;",
    caught: /without a leader under/,
    needs: ["watch-lag", "partitions"],
  },
  {
    name: "a leader takes what a higher claim needs",
    file: "src/claims/decide.ts",
    from: "const ahead = view.displaced(consumer, host);",
    to: "const ahead = null as ReturnType<typeof view.displaced>;",
    caught: /costs .* its place/,
    needs: ["churn"],
  },
  {
    name: "a claim is said to be in the queue and is not written there",
    file: "webhooks/refusal.ts",
    from: 'if (!("holds" in recorded)) return failed(rejection, recorded.detail);',
    to: 'if (!("holds" in recorded)) return rejection;',
    caught: /that it is in the queue/,
    needs: ["churn", "crashes"],
    plan: { replicas: 3, standing: 3, hosts: 5, machines: 8, faultMs: 60_000 },
    fromSeed: 490,
  },
  {
    name: "the Lease is taken from somebody who has it",
    file: "src/leader/elector.ts",
    from: 'if (holder.kind === "valid" && holder.term.holderIdentity !== this.#candidate.identity) {',
    to: 'if (holder.kind === "valid" && clock.monotonicMs() < 5_000) {',
    caught: /took the Lease/,
    needs: [],
  },
  {
    name: "a mirror goes on from a version that the server has forgotten",
    file: "src/kube/live-watch.ts",
    from: "return code < 500 && code !== 401 && code !== 403 && !isTooManyRequests(error);",
    to: "return code < 400;",
    caught: /after healing/,
    needs: ["compactions", "watch-breaks"],
  },
  {
    name: "a decision is counted twice",
    file: "webhooks/outcome.ts",
    from: "= this.#options;\n    onDecision(record);\n",
    to: "= this.#options;\n    onDecision(record);\n    onDecision(record);\n",
    caught: /decisions for \d+ review/,
    needs: [],
  },
  {
    name: "a host that is not available may be claimed",
    file: "src/claims/decide.ts",
    from: "if (unavailable !== null) return deny",
    to: "if (unavailable !== null && host.deleting) return deny",
    caught: /was not available/,
    needs: ["churn"],
    plan: { standing: 0 },
  },
  {
    name: "what is left to the leader counts as rejected",
    file: "src/ops/replica-events.ts",
    from: 'return "delegated";',
    to: 'return "rejected";',
    caught: /says results_total default rejected/,
    needs: [],
  },
  {
    name: "elections are counted twice",
    file: "src/ops/replica-events.ts",
    from: "leader: (event) => metrics.leaderEvent(leaseNamespace, event),",
    to: "leader: (event) => [1, 2].forEach(() => metrics.leaderEvent(leaseNamespace, event)),",
    caught: /says leader_election_total/,
    needs: [],
  },
  {
    name: "an earlier holding of the same host settles a new binding",
    file: "src/coordinator/request-action.ts",
    from: "if (boundHost !== undefined && includes(boundHost.resourceVersion, binding.hostResourceVersion)) {",
    to: "if (boundHost !== undefined) {",
    caught: /without a binding|while it had/,
    needs: ["watch-lag", "churn"],
    plan: { standing: 0, replicas: 2, faultMs: 60_000 },
  },
  {
    name: "requests that wait are deleted now and then",
    file: "src/coordinator/request-controller.ts",
    from: "    const action = this.#actionOf(request);\n    if (action",
    to: '    if (request.phase === "Pending" && this.#options.random() < 0.3) return deleteRequestOf(this.#options, request, { signal }).then(() => undefined);\n    const action = this.#actionOf(request);\n    if (action',
    caught: /is gone and/,
    needs: [],
  },
  {
    name: "a Lease counts for a minute longer than it lasts",
    file: "src/coordinator/holder.ts",
    from: "const state = this.observation.holderState(this.#options.clock.monotonicMs());",
    to: "const state = this.observation.holderState(this.#options.clock.monotonicMs() - 60_000);",
    caught: /after the last Lease that it knew/,
    needs: ["crashes"],
  },
  {
    name: "claims with a bonus are put off without having failed",
    file: "src/coordinator/world.ts",
    from: "    if (demand.waits) this.queue.setClaim(demand.claim);",
    to: "    if (demand.waits && facts.machine !== null && demand.claim.bonusPoints > 0) facts.suspended = true;\n    if (demand.waits) this.queue.setClaim(demand.claim);",
    caught: /costs .* its place|waits although|measures queue_depth/,
    needs: ["churn"],
  },
  {
    name: "an authority is forgotten as soon as another one signs",
    file: "certs/rotation.ts",
    from: "retired: { certPem: state.authority.certPem, retiredAtMs: nowMs },",
    to: "retired: null,",
    caught: /lost to a certificate/,
    needs: ["rotation", "churn"],
    plan: { replicas: 3, standing: 3, faults: [], faultMs: 60_000 },
  },
  {
    name: "certificates are renewed when they have expired",
    file: "certs/policy.ts",
    from: "const RENEW_AFTER = 2 / 3;",
    to: "const RENEW_AFTER = 1;",
    caught: /lost to a certificate/,
    needs: ["rotation", "churn"],
    plan: { replicas: 3, standing: 3, faults: [], faultMs: 60_000 },
  },
  {
    name: "what is held back once is held back for good",
    file: "src/coordinator/request-action.ts",
    from: 'return facts.heldBackNoLonger ? { do: "endHoldBack" } : due;',
    to: "return due;",
    caught: /measures (queue_depth|oldest_wait)/,
    needs: ["late-writes", "losses", "churn"],
    plan: { replicas: 3, standing: 3, hosts: 2, machines: 6 },
  },
  {
    name: "what goes between two lists is never forgotten",
    file: "src/coordinator/following.ts",
    from: "if (this.#mirrorOf(object) !== listed || !lacks(listed, object)) continue;",
    to: 'if (object.uid !== "") continue;',
    caught: /measures free_hosts|waits although|outlived its consumer/,
    needs: ["watch-breaks", "compactions", "churn"],
    plan: { replicas: 2, standing: 2, hosts: 5, faultMs: 60_000 },
  },
  {
    name: "a wait is not counted when it ends",
    file: "src/ops/replica-events.ts",
    from: "        metrics.bound(host.kind,",
    to: "        void (host.kind,",
    caught: /says time_to_bind_seconds/,
    needs: [],
  },
];
