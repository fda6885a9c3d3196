import type { Binding, Host } from "../claims/claim.ts";
import { FENCE_ANNOTATION } from "../hosts/annotations.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";
import { type BoundHost, readBoundHost } from "./bound-host.ts";

/** What became of a binding for good, and whether a host had to be fenced for that. */
export type Settled = Exclude<BoundHost, { state: "unresolved" }> & { fenced: boolean };

/**
 * Step 4 of the binding protocol: reads the host consistently; while a write for the binding could still land, fences
 * it. Rejects with a conflict when the host moves meanwhile: then another look tells.
 */
export async function settleBinding(
  api: KubeApi,
  profile: HostProfile,
  request: ClaimRequest,
  binding: Binding,
  call: CallOptions,
): Promise<Settled> {
  const { consumer, hostNamespace } = request;
  const read = await readBoundHost(api, profile, consumer, hostNamespace, binding, call);
  if (read.state !== "unresolved") return { ...read, fenced: false };
  return { state: "free", host: await fenceHost(api, profile, read.host, call), fenced: true };
}

/**
 * Moves the host past its resourceVersion, so that no late write which has it as a precondition can land. Rejects
 * with a conflict when the host has moved already: then there is nothing left to fence.
 */
export async function fenceHost(
  api: KubeApi,
  profile: HostProfile,
  host: Host,
  call: CallOptions,
): Promise<Host> {
  const metadata = {
    resourceVersion: host.resourceVersion,
    uid: host.uid,
    // The version itself as value: it differs from the last fence's, or the write would be a no-op.
    annotations: { [FENCE_ANNOTATION]: host.resourceVersion },
  };
  const patch = { type: "merge", body: { metadata } } as const;
  return profile.readHost(
    await api.patch(profile.hostType, { namespace: host.namespace, name: host.name }, patch, call),
  );
}
