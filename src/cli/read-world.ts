import { World } from "../coordinator/world.ts";
import { profileForMachineKind, profiles } from "../hosts/profiles.ts";
import type { KubeApi, KubeObject, ResourceType } from "../kube/api.ts";
import { isGone, isNotFound } from "../kube/errors.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { claimRequestName, readClaimRequest } from "../requests/claim-request.ts";

/** Objects a page; a page of the largest hosts has a few MB. */
const PAGE = 500;

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
    const objects = await listAll(api, type, namespace);
    if (objects === null) missing.push(`${type.plural}.${type.group}`);
    for (const object of objects ?? []) take(object);
    return objects !== null;
  };
  await Promise.all([
    ...profiles.flatMap((profile) => [
      read(profile.hostType, (object) => world.setHost(profile.readHost(object))),
      read(profile.machineType, (object) => world.setMachine(profile.readMachine(object))).then((served) => {
        if (served) world.machinesKnown(profile.machineKind);
      }),
    ]),
    read(CLAIM_REQUESTS, (object) => {
      const request = readClaimRequest(object);
      const isPlace =
        request.explicit || request.name === claimRequestName(request.consumer, request.namespace);
      if (isPlace) world.setRequest(request);
    }),
  ]);
  return { world, missing };
}

/** null for a resource that is not served. */
async function listAll(api: KubeApi, type: ResourceType, namespace: string): Promise<KubeObject[] | null> {
  const where = namespace === "" ? {} : { namespace };
  const objects: KubeObject[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await api.list(type, { ...where, limit: PAGE, ...(token && { continue: token }) });
      objects.push(...page.items);
      token = page.metadata.continue;
    } while (token);
    return objects;
  } catch (error) {
    if (isNotFound(error)) return null;
    // The pages that follow were compacted away while the first ones were read.
    if (isGone(error)) return (await api.list(type, where)).items;
    throw error;
  }
}
