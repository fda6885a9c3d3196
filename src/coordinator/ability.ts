import type { Clock } from "../clock.ts";
import type { KubeApi, ResourceType } from "../kube/api.ts";
import { isForbidden, KubeError } from "../kube/errors.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { CLAIM_REQUEST_API_VERSION } from "../requests/claim-request.ts";

/** An answer is trusted this long; a refusal is asked again sooner, since somebody may be mending it. */
const GOOD_FOR_MS = 300_000;
const BAD_FOR_MS = 10_000;

/** No object has this name: every write of it is judged by authorization and schema, and ends there. */
const PROBE = "claim-coordinator-probe";

/**
 * Whether this replica could do a holder's work: a dry run of each write that binding needs. One that can't must
 * not take the Lease, or it would stop every claim.
 */
export class Ability {
  readonly #api: KubeApi;
  readonly #clock: Clock;
  readonly #namespace: string;
  readonly #hostTypes: () => readonly ResourceType[];
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #problem: string | null = "its rights have not been checked yet";
  #checking = false;

  constructor(options: {
    api: KubeApi;
    clock: Clock;
    namespace: string;
    hostTypes: () => readonly ResourceType[];
  }) {
    this.#api = options.api;
    this.#clock = options.clock;
    this.#namespace = options.namespace;
    this.#hostTypes = options.hostTypes;
  }

  /** Why it could not, as of the last check, or null. Starts another check when that is due. */
  problem(): string | null {
    const ageMs = this.#clock.monotonicMs() - this.#checkedAtMs;
    if (!this.#checking && ageMs > (this.#problem === null ? GOOD_FOR_MS : BAD_FOR_MS)) void this.check();
    return this.#problem;
  }

  async check(): Promise<string | null> {
    this.#checking = true;
    try {
      this.#problem = await this.#tryWrites();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : "the API server can't be asked";
    } finally {
      this.#checking = false;
      this.#checkedAtMs = this.#clock.monotonicMs();
    }
    return this.#problem;
  }

  async #tryWrites(): Promise<string | null> {
    const metadata = { name: PROBE, namespace: this.#namespace };
    const request = { apiVersion: CLAIM_REQUEST_API_VERSION, kind: "ClaimRequest", metadata, spec: {} };
    const merge = { type: "merge", body: {} } as const;
    const writes: [what: string, write: () => Promise<unknown>][] = [
      ["create claimrequests", () => this.#api.create(CLAIM_REQUESTS, request, { dryRun: true })],
      [
        "patch claimrequests/status",
        () => this.#api.patch(CLAIM_REQUESTS, metadata, merge, { dryRun: true, subresource: "status" }),
      ],
      ...this.#hostTypes().map((type): [string, () => Promise<unknown>] => [
        `patch ${type.plural}.${type.group}`,
        () => this.#api.patch(type, metadata, merge, { dryRun: true }),
      ]),
    ];
    for (const [what, write] of writes) {
      try {
        await write();
      } catch (error) {
        const problem = this.#judge(what, error);
        if (problem !== null) return problem;
      }
    }
    return null;
  }

  /** 404 of the probe object is the good end of a patch; 404 of the resource says that the CRD is missing. */
  #judge(what: string, error: unknown): string | null {
    if (isForbidden(error)) return `it may not ${what}`;
    if (!(error instanceof KubeError) || error.code !== "KUBE_STATUS") throw error;
    if (error.status?.code !== 404) return `a dry run of ${what} failed: ${error.message}`;
    const probeMissing = error.status.details?.name === PROBE;
    return probeMissing ? null : `the API server does not serve what it has to ${what}`;
  }
}
