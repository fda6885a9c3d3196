import type { Binding, Host } from "../claims/claim.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";
import { isConflict, isNotFound } from "../kube/errors.ts";
import { isOlder } from "../kube/resource-version.ts";
import { type ClaimRequest, readClaimRequest } from "../requests/claim-request.ts";
import { readBoundHost } from "./bound-host.ts";
import { unresolvedBinding } from "./facts.ts";
import { settleBinding } from "./fence.ts";
import { type Applicant, type Recorder, ROUNDS, unfitFor } from "./recorder.ts";
import {
  bindingStatus,
  heldBackStatus,
  pendingStatus,
  type RequestStatus,
  setFinalizer,
  writeStatus,
} from "./request-status.ts";
import type { World } from "./world.ts";

export interface Taking extends Applicant {
  readonly host: Pick<Host, "name" | "uid" | "resourceVersion">;
  /** formatTerm of the holder, or "" on the optimistic path. */
  readonly term: string;
}

export type Taken =
  | { ok: true; request: ClaimRequest }
  | { ok: false; reason: "ConsumerHoldsHost"; hostName: string; by: "consumerRef" | "binding" }
  | { ok: false; reason: "BindingConflict"; detail: string };

/**
 * Takes a consumer's binding: writes `status.binding` on its ClaimRequest with the request's resourceVersion as
 * precondition, after making sure by consistent reads that the one it replaces can no longer become a holding.
 * resourceVersion protects a host; this protects a consumer, across replicas, modes and crashes.
 *
 * Rejects with a KubeError when the API server can't be asked; nothing was taken then as far as this replica knows.
 */
export class Bindings {
  readonly #api: KubeApi;
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #profileFor: (hostKind: string) => HostProfile | undefined;

  constructor(options: {
    api: KubeApi;
    world: World;
    recorder: Recorder;
    profileFor: (hostKind: string) => HostProfile | undefined;
  }) {
    this.#api = options.api;
    this.#world = options.world;
    this.#recorder = options.recorder;
    this.#profileFor = options.profileFor;
  }

  async take(taking: Taking, call: CallOptions = {}): Promise<Taken> {
    let request = this.#world.requestOf(taking.consumer) ?? (await this.#recorder.add(taking, call));
    for (let round = 0; round < ROUNDS; round++) {
      const obstacle = await this.#obstacle(request, taking, call);
      if (obstacle !== null) return obstacle;
      if (covers(unresolvedBinding(request), bindingOf(taking))) return { ok: true, request };
      try {
        if (!request.hasFinalizer) {
          request = readClaimRequest(await setFinalizer(this.#api, request, true, call));
          this.#world.setRequest(request);
          continue;
        }
        return { ok: true, request: await this.#write(request, taking, call) };
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        request = await this.#recorder.ensure(taking, call);
      }
    }
    return {
      ok: false,
      reason: "BindingConflict",
      detail: "other writes of the same consumer keep changing it",
    };
  }

  /** Says on the request that the holder passes it over for a while. */
  async holdBack(request: ClaimRequest, term: string): Promise<void> {
    const written = readClaimRequest(await writeStatus(this.#api, request, heldBackStatus(term), {}));
    this.#world.setRequest(written);
  }

  /**
   * Gives a binding back that this replica will not use (any more). Another write may have been let through under
   * it, the consumer's own for one, so that it is settled first; what turns out to be held stays as it is.
   */
  async giveBack(request: ClaimRequest, message: string, call: CallOptions = {}): Promise<void> {
    const { binding } = request;
    const profile = this.#profileFor(request.hostKind);
    if (binding === null || profile === undefined) return;
    const settled = await settleBinding(this.#api, profile, request, binding, call);
    if (settled.host !== null) this.#world.setHost(settled.host);
    if (settled.state === "free") await this.#status(request, pendingStatus(message), call);
  }

  /** Why the request as it is may not name this host now, or null. */
  async #obstacle(request: ClaimRequest, taking: Taking, call: CallOptions): Promise<Taken | null> {
    const detail = unfitFor(taking, request);
    if (detail !== null) return { ok: false, reason: "BindingConflict", detail };
    const { binding, consumer, hostNamespace } = request;
    if (binding === null || binding.hostUID === taking.host.uid) return null;
    const profile = this.#profileFor(request.hostKind);
    if (profile === undefined) return null;
    const read = await readBoundHost(this.#api, profile, consumer, hostNamespace, binding, call);
    if (read.state === "free") return null;
    const by = read.state === "ours" ? "consumerRef" : "binding";
    return { ok: false, reason: "ConsumerHoldsHost", hostName: binding.hostName, by };
  }

  #write(request: ClaimRequest, taking: Taking, call: CallOptions): Promise<ClaimRequest> {
    const elsewhere = request.hostNamespace === taking.namespace ? {} : { hostNamespace: taking.namespace };
    return this.#status(request, { ...bindingStatus(bindingOf(taking)), ...elsewhere }, call);
  }

  async #status(request: ClaimRequest, status: RequestStatus, call: CallOptions): Promise<ClaimRequest> {
    const written = readClaimRequest(await writeStatus(this.#api, request, status, call));
    this.#world.setRequest(written);
    return written;
  }
}

function bindingOf({ host, term }: Taking): Binding {
  return { hostName: host.name, hostUID: host.uid, hostResourceVersion: host.resourceVersion, term };
}

/**
 * Whether the write is protected as things are: by its own binding, or by one for a later version of the host. The
 * API server may review a write against a version from its cache; that write is doomed, and the later one is not, so
 * the binding must go on naming the later one.
 */
function covers(binding: Binding | null, wanted: Binding): boolean {
  if (binding === null || binding.hostUID !== wanted.hostUID) return false;
  if (binding.hostResourceVersion === wanted.hostResourceVersion) return binding.term === wanted.term;
  return isOlder(wanted.hostResourceVersion, binding.hostResourceVersion);
}
