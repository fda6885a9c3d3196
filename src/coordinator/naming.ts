import { SERVICE_ACCOUNT_PREFIX } from "../claims/holder.ts";
import type { Whoami } from "../kube/identity.ts";

/**
 * The holderIdentity of a replica: `<name>_<uuid>` as client-go makes it. The name is POD_NAME or the host's, unless
 * the API server sees this process as somebody else: the rule compares the holder with what the API server says of a
 * requester, so a replica outside a cluster, or with another pod's token, has to be called what it is seen as.
 */
export function holderIdentity(
  podNameOrHostname: string,
  seenAs: Whoami | null,
  uuid: string,
): { identity: string; warning: string | null } {
  if (seenAs === null) return { identity: `${podNameOrHostname}_${uuid}`, warning: null };
  const isServiceAccount = seenAs.username.startsWith(SERVICE_ACCOUNT_PREFIX);
  if (isServiceAccount && seenAs.podName === "") {
    const warning =
      "this replica's token is bound to no pod, so nobody will recognise it as the holder: use a projected token";
    return { identity: `${podNameOrHostname}_${uuid}`, warning };
  }
  const name = isServiceAccount ? seenAs.podName : seenAs.username;
  const differs = name !== podNameOrHostname;
  const warning = differs
    ? `the API server sees this replica as ${name}, which is its name in the Lease`
    : null;
  return { identity: `${name}_${uuid}`, warning };
}
