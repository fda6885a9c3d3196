import { type Consumer, consumerKey, sameConsumer } from "../claims/claim.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";
import { isAlreadyExists, isConflict, isNotFound, KubeError } from "../kube/errors.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import {
  type ClaimRequest,
  claimRequestName,
  DEMAND_ANNOTATION,
  isNamedAfterConsumer,
  newClaimRequest,
  readClaimRequest,
} from "../requests/claim-request.ts";
import { readBoundHost } from "./bound-host.ts";
import { pendingStatus, writeStatus } from "./request-status.ts";
import type { World } from "./world.ts";

/** Rounds of read, judge, write before a contended request is left to the client's own retry. */
export const ROUNDS = 4;

/** Whose request it is, and what to write into one that has to be made. */
export interface Applicant {
  readonly consumer: Consumer;
  /** The consumerRef as its writer wrote it; kept verbatim, since some controllers recognise only that. */
  readonly consumerRef: Readonly<Record<string, unknown>>;
  readonly hostKind: string;
  /** The namespace of the hosts; the request lives beside the consumer. */
  readonly namespace: string;
  /** Nothing was attempted: the machine's own condition is the demand, and may end it. */
  readonly byMachine?: boolean;
}

/** Why this request can't be the applicant's, or null. */
export function unfitFor(
  { consumer, hostKind }: Pick<Applicant, "consumer" | "hostKind">,
  request: ClaimRequest,
): string | null {
  const called = `ClaimRequest ${request.namespace}/${request.name}`;
  if (!isNamedAfterConsumer(request)) return `${called} has its name and is for another consumer: delete it`;
  if (!sameConsumer(request.consumer, consumer))
    return "its ClaimRequest still belongs to an earlier object of the same name";
  if (request.deleting) return "its ClaimRequest is being deleted";
  // A binding tells its host by name, so that one consumer can't have one of each kind.
  if (request.hostKind === hostKind) return null;
  return `its ${called} asks for a ${request.hostKind}; delete it to claim a ${hostKind}`;
}

export type Recorded =
  | { ok: true; request: ClaimRequest }
  /** A request of an earlier object of the same name, or one being deleted, has the place; it goes away soon. */
  | { ok: false; detail: string }
  /** It does not wait: it has this host already, which this replica's mirror does not show yet. */
  | { ok: false; holds: string };

/**
 * Turns a consumer that asks for a host into a durable ClaimRequest: one write for its whole wait, none when it
 * waits already. Rejects with a KubeError when the API server can't be asked; nothing may be assumed then.
 */
export class Recorder {
  readonly #api: KubeApi;
  readonly #world: World;
  readonly #profileFor: (hostKind: string) => HostProfile | undefined;

  constructor(options: {
    api: KubeApi;
    world: World;
    profileFor: (hostKind: string) => HostProfile | undefined;
  }) {
    this.#api = options.api;
    this.#world = options.world;
    this.#profileFor = options.profileFor;
  }

  /** Whether an attempt of this consumer needs no write: its request waits, and not at its machine's word only. */
  isRecorded({ consumer, hostKind, namespace }: Omit<Applicant, "consumerRef">): boolean {
    const request = this.#world.requestOf(consumer);
    if (request === null || request.deleting) return false;
    if (request.hostKind !== hostKind || request.hostNamespace !== namespace) return false;
    if (!asks(request)) return false;
    return !request.byMachine || this.#world.consumer(consumerKey(consumer))?.machine?.waits === true;
  }

  /** Makes sure that the applicant waits: a request exists and is Pending, or is being bound. */
  async record(applicant: Applicant, call: CallOptions = {}): Promise<Recorded> {
    let request = this.#world.requestOf(applicant.consumer) ?? (await this.add(applicant, call));
    for (let round = 0; round < ROUNDS; round++) {
      const detail = unfitFor(applicant, request);
      if (detail !== null) return { ok: false, detail };
      try {
        // First, so that what asks again does not depend on its machine's word even for a moment.
        request = await this.#keep(request, applicant, call);
        if (!asks(request)) {
          const holds = await this.#holds(request, call);
          if (holds !== null) return { ok: false, holds };
          request = await this.#waitAgain(request, call);
        }
        if (request.hostNamespace !== applicant.namespace && request.binding === null)
          request = await this.#turnTo(applicant.namespace, request, call);
        return { ok: true, request };
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        request = await this.ensure(applicant, call);
      }
    }
    return { ok: false, detail: "its ClaimRequest keeps changing" };
  }

  /** The applicant's request as the API server has it now; made when there is none. */
  async ensure(applicant: Applicant, call: CallOptions): Promise<ClaimRequest> {
    return (await this.read(applicant, call)) ?? (await this.add(applicant, call));
  }

  /** The same for an applicant whose request is not known here, so that most likely there is none: one call less. */
  async add(applicant: Applicant, call: CallOptions): Promise<ClaimRequest> {
    if (applicant.consumer.kind === CLAIM_REQUESTS.kind) {
      const request = await this.read(applicant, call);
      if (request === null) throw missing(applicant.consumer);
      return request;
    }
    const object = newClaimRequest({
      ...applicant,
      consumer: { ...applicant.consumer, namespace: homeOf(applicant) },
    });
    try {
      return this.#note(await this.#api.create(CLAIM_REQUESTS, object, call));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const other = await this.read(applicant, call);
      if (other === null) throw error;
      return other;
    }
  }

  /** A consistent read; null when there is none. */
  async read(applicant: Applicant, call: CallOptions): Promise<ClaimRequest | null> {
    const { consumer } = applicant;
    try {
      const standsForItself = consumer.kind === CLAIM_REQUESTS.kind;
      const name = standsForItself ? consumer.name : claimRequestName(consumer);
      return this.#note(await this.#api.get(CLAIM_REQUESTS, { namespace: homeOf(applicant), name }, call));
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** The host that a binding which is settled gave to its consumer, if it is the consumer's still; else null. */
  async #holds(request: ClaimRequest, call: CallOptions): Promise<string | null> {
    const { binding, consumer, hostNamespace } = request;
    const profile = this.#profileFor(request.hostKind);
    if (binding === null || profile === undefined) return null;
    const read = await readBoundHost(this.#api, profile, consumer, hostNamespace, binding, call);
    if (read.host !== null) this.#world.setHost(read.host);
    return read.state === "ours" ? binding.hostName : null;
  }

  /** Once there was an attempt, the demand no longer ends with the machine's condition. */
  async #keep(request: ClaimRequest, applicant: Applicant, call: CallOptions): Promise<ClaimRequest> {
    if (!request.byMachine || applicant.byMachine) return request;
    const { namespace, name, uid } = request;
    const body = { metadata: { uid, annotations: { [DEMAND_ANNOTATION]: null } } };
    const kept = await this.#api.patch(CLAIM_REQUESTS, { namespace, name }, { type: "merge", body }, call);
    return this.#note(kept);
  }

  /** It waits where it tried last: only this service says so, or anybody could ask for hosts of other namespaces. */
  async #turnTo(hostNamespace: string, request: ClaimRequest, call: CallOptions): Promise<ClaimRequest> {
    return this.#note(await writeStatus(this.#api, request, { hostNamespace }, call));
  }

  async #waitAgain(request: ClaimRequest, call: CallOptions): Promise<ClaimRequest> {
    const message = "Waiting again: its consumer has tried to claim a host";
    return this.#note(await writeStatus(this.#api, request, pendingStatus(message), call));
  }

  /** The request as it is known now: an answer that comes late may be behind what the watch has told since. */
  #note(object: Parameters<typeof readClaimRequest>[0]): ClaimRequest {
    const request = readClaimRequest(object);
    this.#world.setRequest(request);
    return this.#world.request(request.uid) ?? { ...request, deleting: true };
  }
}

/** Where the consumer's request is: a reference without a namespace means the host's. */
function homeOf({ consumer, namespace }: Applicant): string {
  return consumer.namespace || namespace;
}

function asks({ phase }: ClaimRequest): boolean {
  return phase === "Pending" || phase === "Binding";
}

function missing({ namespace, name }: Consumer): KubeError {
  return new KubeError("KUBE_STATUS", `ClaimRequest ${namespace}/${name} does not exist`, {
    status: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      reason: "NotFound",
      code: 404,
    },
  });
}
