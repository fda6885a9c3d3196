/** "Who asks": does a request come from the process that holds the Lease? (design section 4) */

/** The author of a request, as the API server authenticated it. */
export interface Requester {
  readonly username: string;
  readonly groups: readonly string[];
  /** The pod that its token is bound to; "" when the token is bound to none. */
  readonly podName: string;
  /** "" for anybody but service accounts. */
  readonly serviceAccountNamespace: string;
  readonly serviceAccountName: string;
}

export interface HolderRule {
  /** Pods of this namespace's service accounts may be the holder. */
  readonly leaseNamespace: string;
  /** "namespace:name" of service accounts whose pods count although their namespace differs. */
  readonly extraServiceAccounts: readonly string[];
}

/** How the API server begins the username of every service account. */
export const SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:";
const POD_NAME = "authentication.kubernetes.io/pod-name";
/** What client-go appends to a host's name to make an identity. */
const UUID_SUFFIX = /_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `userInfo` of an AdmissionRequest. What is missing becomes "", which matches no holder. */
export function parseRequester(userInfo: {
  username?: string;
  groups?: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}): Requester {
  const username = userInfo.username ?? "";
  // Two pod names would mean a mangled token: better nobody than the first.
  const pods = userInfo.extra?.[POD_NAME] ?? [];
  const account = username.startsWith(SERVICE_ACCOUNT_PREFIX)
    ? username.slice(SERVICE_ACCOUNT_PREFIX.length).split(":")
    : [];
  return {
    username,
    groups: userInfo.groups ?? [],
    podName: pods.length === 1 ? (pods[0] ?? "") : "",
    serviceAccountNamespace: account[0] ?? "",
    serviceAccountName: account[1] ?? "",
  };
}

/** `holderIdentity` without the `_<uuid>` of client-go; whole where it has none. */
export function holderName(holderIdentity: string): string {
  return holderIdentity.replace(UUID_SUFFIX, "");
}

/**
 * Service accounts are recognised by the pod that their token is bound to, never by their name: every replica, and
 * every legacy token, shares that. Other users have no pod, so their name must be the holder's.
 */
export function isHolder(requester: Requester, holderIdentity: string, rule: HolderRule): boolean {
  const name = holderName(holderIdentity);
  if (name === "") return false;
  const { username, podName, serviceAccountNamespace, serviceAccountName } = requester;
  if (!username.startsWith(SERVICE_ACCOUNT_PREFIX)) return username === holderIdentity || username === name;
  if (podName !== name) return false;
  return (
    serviceAccountNamespace === rule.leaseNamespace ||
    rule.extraServiceAccounts.includes(`${serviceAccountNamespace}:${serviceAccountName}`)
  );
}
