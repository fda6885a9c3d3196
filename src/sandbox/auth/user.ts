/** Who asks: authentication.k8s.io/v1 UserInfo. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Where a token comes from that a pod's service account was given. */
export const POD_NAME_EXTRA = "authentication.kubernetes.io/pod-name";

export const ANONYMOUS: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** Everybody who proved who they are is in this group as well. */
export function authenticated(user: UserInfo): UserInfo {
  const groups = user.groups.includes("system:authenticated")
    ? user.groups
    : [...user.groups, "system:authenticated"];
  return { ...user, groups };
}

/** UserInfo as it appears in reviews: absent fields left out. */
export function userInfoJson({ username, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
