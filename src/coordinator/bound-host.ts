import type { Binding, Consumer, Host } from "../claims/claim.ts";
import type { HostProfile } from "../hosts/profile.ts";
import type { CallOptions, KubeApi } from "../kube/api.ts";
import { isNotFound } from "../kube/errors.ts";
import { isHeldBy } from "./facts.ts";

/**
 * What a consistent read says of the host that a binding names.
 * ours: the consumer has it. free: the one write of the binding can't land any more (the host is gone, replaced
 * or past the resourceVersion that the write needs). unresolved: it could still land.
 */
export type BoundHost =
  | { state: "ours"; host: Host }
  | { state: "free"; host: Host | null }
  | { state: "unresolved"; host: Host };

export async function readBoundHost(
  api: KubeApi,
  profile: HostProfile,
  consumer: Consumer,
  namespace: string,
  binding: Binding,
  call: CallOptions,
): Promise<BoundHost> {
  let host: Host;
  try {
    host = profile.readHost(await api.get(profile.hostType, { namespace, name: binding.hostName }, call));
  } catch (error) {
    if (isNotFound(error)) return { state: "free", host: null };
    throw error;
  }
  return judgeBoundHost(host, consumer, binding);
}

/** The same, from a version of the host known to be at least as new as the one that the binding names. */
export function judgeBoundHost(host: Host, consumer: Consumer, binding: Binding): BoundHost {
  if (host.uid !== binding.hostUID) return { state: "free", host };
  if (isHeldBy(host, consumer)) return { state: "ours", host };
  return host.resourceVersion === binding.hostResourceVersion
    ? { state: "unresolved", host }
    : { state: "free", host };
}
