import type { CallOptions, KubeApi } from "./api.ts";
import { SELF_SUBJECT_REVIEWS } from "./types.ts";

/** How the API server sees the caller; what it puts into userInfo of our own admission reviews. */
export interface Whoami {
  username: string;
  groups: string[];
  /** "" where the credentials have no uid. */
  uid: string;
  /** The pod that the service account token is bound to; "" when it is bound to none. */
  podName: string;
}

/** Rejects with a KubeError; 404 where the server is older than Kubernetes 1.28. */
export async function whoAmI(api: KubeApi, options?: CallOptions): Promise<Whoami> {
  const review = await api.create(
    SELF_SUBJECT_REVIEWS,
    // The kind has no metadata of its own to fill in; a name would be refused by nobody and mean nothing.
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
      metadata: {} as { name: string },
    },
    options,
  );
  const { userInfo = {} } = (review.status ?? {}) as { userInfo?: UserInfo };
  return {
    username: userInfo.username ?? "",
    groups: userInfo.groups ?? [],
    uid: userInfo.uid ?? "",
    podName: userInfo.extra?.["authentication.kubernetes.io/pod-name"]?.[0] ?? "",
  };
}

interface UserInfo {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}
