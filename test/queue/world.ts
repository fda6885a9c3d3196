import { World } from "../../src/coordinator/world.ts";
import { profileForKind, profileForMachineKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";

/** Ten minutes after the fixtures' objects were created. */
export const NOW_MS = Date.UTC(2026, 0, 1, 0, 10);

/** `minutes` before NOW_MS, as a creationTimestamp. */
export const minutesAgo = (minutes: number): string =>
  new Date(NOW_MS - minutes * 60_000).toISOString().replace(".000Z", "Z");

/** A world that has seen these objects: hosts, machines and requests in any order, all machines known. */
export function worldOf(...objects: readonly KubeObject[]): World {
  const world = new World({
    hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
    mayCrossNamespaces: (consumer) => profiles.some((profile) => profile.mayCrossNamespaces(consumer)),
  });
  for (const object of objects) see(world, object);
  for (const { machineKind } of profiles) world.machinesKnown(machineKind);
  return world;
}

export function see(world: World, object: KubeObject): void {
  const kind = object.kind ?? "";
  const ofHosts = profileForKind(kind);
  const ofMachines = profileForMachineKind(kind);
  if (ofHosts !== undefined) world.setHost(ofHosts.readHost(object));
  else if (ofMachines !== undefined) world.setMachine(ofMachines.readMachine(object));
  else world.setRequest(readClaimRequest(object));
}
