import { World } from "../coordinator/world.ts";
import { profileForMachineKind, profiles } from "../hosts/profiles.ts";
import type { KubeApi, KubeObject, ResourceType } from "../kube/api.ts";
import { listAll } from "../kube/list-all.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { readClaimRequest } from "../requests/claim-request.ts";

export interface ReadWorld {
  readonly world: World;
  /** Resources that the API server does not serve. */
  readonly missing: readonly string[];
}

/**
 * The world as the API server has it now, read once: what a replica knows but for what only the holder knows (whom it
 * is binding this moment, whose binding it puts off). "" reads all namespaces. Rejects with a KubeError.
 */
export async function readWorld(api: KubeApi, namespace: string): Promise<ReadWorld> {
  const world = new World({
    hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
    mayCrossNamespaces: (consumer) => profiles.some((profile) => profile.mayCrossNamespaces(consumer)),
  });
  const missing: string[] = [];
  const read = async (type: ResourceType, take: (object: KubeObject) => void): Promise<boolean> => {
    const listed = await listAll(api, type, namespace);
    if (listed === null) missing.push(`${type.plural}.${type.group}`);
    for (const object of listed?.items ?? []) take(object);
    return listed !== null;
  };
  await Promise.all([
    ...profiles.flatMap((profile) => [
      read(profile.hostType, (object) => world.setHost(profile.readHost(object))),
      read(profile.machineType, (object) => world.setMachine(profile.readMachine(object))).then((served) => {
        if (served) world.machinesKnown(profile.machineKind);
      }),
    ]),
    read(CLAIM_REQUESTS, (object) => world.setRequest(readClaimRequest(object))),
  ]);
  world.requestsKnownWhile(() => !missing.includes(`${CLAIM_REQUESTS.plural}.${CLAIM_REQUESTS.group}`));
  return { world, missing };
}
