import type { Host } from "../claims/claim.ts";
import { FENCE_ANNOTATION } from "../hosts/annotations.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";

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
