import type { Consumer } from "../claims/claim.ts";
import { groupOf } from "../hosts/consumer-ref.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi, ResourceType } from "../kube/api.ts";
import { isObjectNotFound } from "../kube/errors.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";

/** Whether a request that stands for itself is meant; writers of references may leave the group out. */
export function isClaimRequest({ kind, apiVersion }: Pick<Consumer, "kind" | "apiVersion">): boolean {
  return kind === CLAIM_REQUESTS.kind && ["", CLAIM_REQUESTS.group].includes(groupOf(apiVersion));
}

/** Where the object behind a consumer is to be found; undefined for a kind that is not known here. */
export function typeOfConsumer(
  consumer: Consumer,
  profileForMachine: (machineKind: string) => HostProfile | undefined,
): ResourceType | undefined {
  return isClaimRequest(consumer) ? CLAIM_REQUESTS : profileForMachine(consumer.kind)?.machineType;
}

/**
 * By a consistent read: whether there is no such object, or another one under its name. Rejects where the server does
 * not say so, as of a kind that it does not serve.
 */
export async function isGoneNow(
  api: KubeApi,
  type: ResourceType,
  { namespace, name, uid }: Consumer,
  call: CallOptions = {},
): Promise<boolean> {
  try {
    const { metadata } = await api.get(type, { namespace, name }, call);
    return uid !== "" && metadata.uid !== uid;
  } catch (error) {
    if (isObjectNotFound(error)) return true;
    throw error;
  }
}
