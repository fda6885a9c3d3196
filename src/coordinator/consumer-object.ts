import type { Consumer } from "../claims/claim.ts";
import { groupOf } from "../hosts/consumer-ref.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi, ResourceType } from "../kube/api.ts";
import { isObjectNotFound } from "../kube/errors.ts";
import { CLAIM_REQUESTS, HOST_CLAIMS } from "../kube/types.ts";
import type { Log } from "../log.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";

/** Whether a request that stands for itself is meant; writers of references may leave the group out. */
export function isClaimRequest({ kind, apiVersion }: Pick<Consumer, "kind" | "apiVersion">): boolean {
  return kind === CLAIM_REQUESTS.kind && ["", CLAIM_REQUESTS.group].includes(groupOf(apiVersion));
}

/** Where the object behind a consumer is to be found; undefined for a kind that is not known here. */
export function typeOfConsumer(
  consumer: Consumer,
  profileForMachine: (machineKind: string) => HostProfile | undefined,
): ResourceType | undefined {
  if (isClaimRequest(consumer)) return CLAIM_REQUESTS;
  return profileForMachine(consumer.kind)?.machineType ?? typeUnmirrored(consumer);
}

/** Where a consumer is to be found of a kind that is not mirrored, in the version that its reference names. */
export function typeUnmirrored({ kind, apiVersion }: Consumer): ResourceType | undefined {
  const [group, version = "", ...rest] = apiVersion.split("/");
  // Whoever writes references must not choose the path that is read.
  const isWellFormed = /^v[a-z0-9]+$/.test(version) && rest.length === 0;
  if (kind !== HOST_CLAIMS.kind || group !== HOST_CLAIMS.group || !isWellFormed) return undefined;
  return { ...HOST_CLAIMS, version };
}

/** Of a consumer that is gone. Rejects where the request is gone as well, or is another one by now. */
export async function deleteRequestOf(
  { api, log }: { api: KubeApi; log: Log },
  { namespace, name, uid }: ClaimRequest,
  call: CallOptions,
): Promise<void> {
  log.info({ request: `${namespace}/${name}` }, "Deleting a ClaimRequest whose consumer is gone");
  await api.delete(CLAIM_REQUESTS, { namespace, name }, { ...call, preconditions: { uid } });
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
