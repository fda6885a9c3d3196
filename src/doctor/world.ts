import { World } from "../coordinator/world.ts";
import { profileForKind, profileForMachineKind, profiles } from "../hosts/profiles.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { readClaimRequest } from "../requests/claim-request.ts";
import type { ClusterFacts } from "./snapshot.ts";

/** What a replica would conclude from these objects. */
export function worldOf({
  hosts,
  machines,
  requests,
  served,
}: Pick<ClusterFacts, "hosts" | "machines" | "requests" | "served">): World {
  const world = new World({
    hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
    mayCrossNamespaces: (consumer) => profiles.some((profile) => profile.mayCrossNamespaces(consumer)),
  });
  world.load(() => {
    for (const object of hosts) {
      const profile = profileForKind(object.kind ?? "");
      if (profile !== undefined) world.setHost(profile.readHost(object));
    }
    for (const object of machines) {
      const profile = profileForMachineKind(object.kind ?? "");
      if (profile !== undefined) world.setMachine(profile.readMachine(object));
    }
    for (const request of requests) world.setRequest(readClaimRequest(request));
  });
  for (const { machineKind } of profiles) if (served.includes(machineKind)) world.machinesKnown(machineKind);
  world.requestsKnownWhile(() => served.includes(CLAIM_REQUESTS.kind));
  return world;
}
