import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { CLAIM_REQUESTS } from "../../src/kube/types.ts";
import { type NewClaimRequest, newClaimRequest, readClaimRequest } from "../../src/requests/claim-request.ts";
import { Objects } from "../e2e/objects.ts";
import type { ReviewDoor } from "./door.ts";

export interface Victims {
  /** By their names, as they are stored. */
  readonly hosts: ReadonlyMap<string, KubeObject>;
  readonly requests: readonly KubeObject[];
}

/**
 * Whom forged reviews may hurt: `owner` has held-1, `machine-1` has nothing yet, and its namesake of another namespace,
 * machine-2 and explicit-1 wait; somebody made a request of another name for machine-3. The door's replica has seen all
 * of it.
 */
export async function settleVictims(api: KubeApi, world: ReviewDoor["world"]): Promise<Victims> {
  const objects = new Objects(api, "default");
  await Objects.in(api, "other");
  const ownerRef = { kind: "Beskar7Machine", namespace: "default", name: "owner" };
  const hosts = [
    await objects.host("host-1"),
    await objects.host("host-2"),
    await objects.host("held-1", { consumerRef: ownerRef }),
    await objects.bareMetalHost("metal-1"),
  ];
  for (const host of hosts) world.setHost(profileForKind(host.kind!)!.readHost(host));
  for (const name of ["machine-1", "owner"]) {
    const machine = await objects.machine(name);
    world.setMachine(profileForMachineKind(machine.kind!)!.readMachine(machine));
  }

  const request = async (object: KubeObject, status?: object) => {
    let stored = await api.create(CLAIM_REQUESTS, object);
    const { namespace = "", name } = stored.metadata;
    const patch = { type: "merge", body: { status } } as const;
    if (status)
      stored = await api.patch(CLAIM_REQUESTS, { namespace, name }, patch, { subresource: "status" });
    world.setRequest(readClaimRequest(stored));
    return stored;
  };
  const waiting = (name: string, namespace: string): NewClaimRequest => ({
    consumer: { apiVersion: "", kind: "Beskar7Machine", namespace, name, uid: `uid-of-${name}` },
    consumerRef: { kind: "Beskar7Machine", namespace, name },
    hostKind: "PhysicalHost",
  });
  const held = hosts[2]!.metadata;
  const binding = { hostName: held.name, hostUID: held.uid, hostResourceVersion: "1", term: "" };
  const named = (name: string, spec: object) => ({
    apiVersion: "claims.beskar7.io/v1alpha1",
    kind: "ClaimRequest",
    metadata: { namespace: "default", name },
    spec,
  });
  const requests = [
    await request(newClaimRequest(waiting("owner", "default")), {
      ...{ phase: "Bound", binding, hostName: held.name },
    }),
    await request(newClaimRequest(waiting("machine-1", "other"))),
    await request(newClaimRequest(waiting("machine-2", "default"))),
    await request(named("explicit-1", {})),
    await request(named("decoy", { consumerRef: waiting("machine-3", "default").consumerRef })),
  ];
  return { hosts: new Map(hosts.map((host) => [host.metadata.name, host])), requests };
}
