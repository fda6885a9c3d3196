import type { Binding } from "../claims/claim.ts";
import type { CallOptions, KubeApi, KubeObject } from "../kube/api.ts";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import { type ClaimRequest, FINALIZER, REQUIREMENTS_READABLE } from "../requests/claim-request.ts";

/** What this service writes into a request's status: phase, binding and hostName always together. */
export type RequestStatus =
  | { phase: "Pending" | "Released"; binding: null; hostName: null; message: string; releasedAt?: string }
  | {
      phase: "Binding";
      binding: Binding;
      hostName: string;
      message: string;
      heldBackTerm: null;
      /** Where that host is; absent: as before. */
      hostNamespace?: string;
    }
  | {
      phase: "Bound";
      binding: Binding;
      hostName: string;
      message: string;
      boundAt: string;
      hostNamespace?: string;
    };

export function pendingStatus(message: string): RequestStatus {
  return { phase: "Pending", binding: null, hostName: null, message };
}

export function releasedStatus(wallMs: number): RequestStatus {
  const releasedAt = new Date(wallMs).toISOString();
  return { phase: "Released", binding: null, hostName: null, message: "Its host was released", releasedAt };
}

export function bindingStatus(binding: Binding): RequestStatus {
  const { hostName } = binding;
  return { phase: "Binding", binding, hostName, message: `Binding to host ${hostName}`, heldBackTerm: null };
}

export function boundStatus(binding: Binding, wallMs: number): RequestStatus {
  const { hostName } = binding;
  const boundAt = new Date(wallMs).toISOString();
  return { phase: "Bound", binding, hostName, message: `Bound to host ${hostName}`, boundAt };
}

/** Tells every reviewer that the holder passes this claim over, so that nobody waits behind it; null: no longer. */
export function heldBackStatus(term: string | null): { heldBackTerm: string | null } {
  return { heldBackTerm: term };
}

/** As a condition, beside whatever the phase is. */
export function malformedStatus(message: string, wallMs: number): Pick<RequestConditions, "conditions"> {
  const readable = message === "";
  const condition = {
    type: REQUIREMENTS_READABLE,
    status: readable ? "True" : "False",
    reason: readable ? "AnnotationsReadable" : "MalformedAnnotation",
    message,
    lastTransitionTime: `${new Date(wallMs).toISOString().slice(0, 19)}Z`,
  } as const;
  return { conditions: [condition] };
}

export interface RequestConditions {
  conditions: readonly {
    type: string;
    status: "True" | "False";
    reason: string;
    message: string;
    lastTransitionTime: string;
  }[];
}

/** Merges `status` into a request's, if it is still exactly the version at hand; else rejects with a conflict. */
export function writeStatus(
  api: KubeApi,
  { namespace, name, uid, resourceVersion }: ClaimRequest,
  status: RequestStatus | RequestConditions | ReturnType<typeof heldBackStatus> | { hostNamespace: string },
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
