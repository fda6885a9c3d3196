import type { CallOptions, KubeApi, KubeObject } from "../kube/api.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { type ClaimRequest, FINALIZER } from "../requests/claim-request.ts";

/** Merges `status` into a request's, if it is still exactly the version at hand; else rejects with a conflict. */
export function writeStatus(
  api: KubeApi,
  { namespace, name, uid, resourceVersion }: ClaimRequest,
  status: object,
  call: CallOptions,
): Promise<KubeObject> {
  const body = { metadata: { resourceVersion, uid }, status };
  return api.patch(
    CLAIM_REQUESTS,
    { namespace, name },
    { type: "merge", body },
    { ...call, subresource: "status" },
  );
}

/**
 * Puts our finalizer on a request, or takes it off; others' stay. The answer is the request as it is stored then.
 * Rejects with a conflict when it changes meanwhile or is another object by now.
 */
export async function setFinalizer(
  api: KubeApi,
  { namespace, name, uid }: ClaimRequest,
  wanted: boolean,
  call: CallOptions,
): Promise<KubeObject> {
  const object = await api.get(CLAIM_REQUESTS, { namespace, name }, call);
  const others = object.metadata.finalizers?.filter((finalizer) => finalizer !== FINALIZER) ?? [];
  const finalizers = wanted ? [...others, FINALIZER] : others;
  const body = { metadata: { finalizers, resourceVersion: object.metadata.resourceVersion, uid } };
  return api.patch(CLAIM_REQUESTS, { namespace, name }, { type: "merge", body }, call);
}
