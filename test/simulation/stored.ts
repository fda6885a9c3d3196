import {
  type Claim,
  type Consumer,
  consumerKey,
  type Host,
  poolKey,
  sameConsumer,
} from "../../src/claims/claim.ts";
import { bonus } from "../../src/claims/priority.ts";
import { isHeldBy, unresolvedBinding } from "../../src/coordinator/facts.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { Machine } from "../../src/hosts/profile.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { type ClaimRequest, claimRequestName, readClaimRequest } from "../../src/requests/claim-request.ts";
import { type Store, storageKey } from "../../src/sandbox/store.ts";

export const HOSTS = "physicalhosts.infrastructure.cluster.x-k8s.io";
export const MACHINES = "beskar7machines.infrastructure.cluster.x-k8s.io";
export const REQUESTS = "claimrequests.claims.beskar7.io";
export const LEASES = "leases.coordination.k8s.io";

/** What a store tells when it is asked. */
export type Shelf = Pick<Store, "list" | "get">;

/** What is true: the API server's storage in the words of the core, read anew for each question. */
export class Stored {
  readonly #store: Shelf;

  constructor(store: Shelf) {
    this.#store = store;
  }

  hosts(): Host[] {
    return this.#store.list(HOSTS).map((object) => physicalHostProfile.readHost(object));
  }

  machines(): Machine[] {
    return this.#store.list(MACHINES).map((object) => physicalHostProfile.readMachine(object));
  }

  requests(): ClaimRequest[] {
    return this.#store.list(REQUESTS).map(readClaimRequest);
  }

  objects(resource: string): KubeObject[] {
    return this.#store.list(resource);
  }

  machine({ namespace, name }: { namespace: string; name: string }): Machine | null {
    const object = this.#store.get(MACHINES, storageKey({ namespace, name }));
    return object === undefined ? null : physicalHostProfile.readMachine(object);
  }

  /** The request of a consumer, of whatever uid; null when there is none. */
  requestOf(consumer: Consumer, namespace: string): ClaimRequest | null {
    const name = consumer.kind === "ClaimRequest" ? consumer.name : claimRequestName(consumer);
    const object = this.#store.get(REQUESTS, storageKey({ namespace, name }));
    return object === undefined ? null : readClaimRequest(object);
  }

  /** Who asks for a host and has none, nor a binding to one; `except`: keys that don't count. */
  waiting(except: ReadonlySet<string> = new Set()): Claim[] {
    const hosts = this.hosts();
    const holds = (consumer: Consumer) => hosts.some((host) => isHeldBy(host, consumer));
    const claims: Claim[] = [];
    for (const machine of this.machines()) {
      const request = this.requestOf(machineConsumer(machine), machine.namespace);
      const own = request !== null && sameConsumer(request.consumer, machine) ? request : null;
      if (own !== null && unresolvedBinding(own) !== null) continue;
      const asks =
        (own !== null && !own.deleting && own.phase === "Pending" && !own.byMachine) || machine.waits;
      if (machine.deleting || machine.paused || !asks || holds(machine)) continue;
      claims.push(claimOfMachine(machine));
    }
    for (const request of this.requests()) {
      if (!request.explicit || request.deleting || request.phase !== "Pending" || holds(request.consumer))
        continue;
      claims.push(claimOfRequest(request));
    }
    return claims.filter(({ id }) => !except.has(id));
  }

  /** Consumer keys by the uid of the host that an unresolved binding of theirs names. */
  named(): Map<string, string> {
    const named = new Map<string, string>();
    for (const request of this.requests()) {
      const binding = unresolvedBinding(request);
      if (binding !== null) named.set(binding.hostUID, consumerKey(request.consumer));
    }
    return named;
  }
}

export function machineConsumer({ apiVersion, kind, namespace, name, uid }: Machine): Consumer {
  return { apiVersion, kind, namespace, name, uid };
}

export function claimOfMachine(machine: Machine): Claim {
  return {
    id: consumerKey(machine),
    consumer: machineConsumer(machine),
    pool: poolKey("PhysicalHost", machine.namespace),
    uid: machine.uid,
    createdAtMs: machine.createdAtMs,
    bonusPoints: machine.bonusPoints,
    requirements: machine.requirements,
  };
}

export function claimOfRequest(request: ClaimRequest): Claim {
  return {
    id: consumerKey(request.consumer),
    consumer: request.consumer,
    pool: poolKey(request.hostKind, request.namespace),
    uid: request.uid,
    createdAtMs: request.createdAtMs,
    bonusPoints: bonus(request.requirements, request.priority),
    requirements: request.requirements,
  };
}
