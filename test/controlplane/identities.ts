import { randomBytes } from "node:crypto";
import type { Answer, KubeHttp } from "./kube-http.ts";
import { expectOk } from "./kube-http.ts";

/** A user known to the API server by a token of its own. */
export interface TokenUser {
  readonly name: string;
  /** Beside system:authenticated, which the API server adds. Only `system:masters` has rights from the start. */
  readonly groups?: readonly string[];
  /** Default: random. */
  readonly token?: string;
}

export const ADMIN: TokenUser = { name: "admin", groups: ["system:masters"] };

/** The users of one control plane, as its --token-auth-file wants them. */
export class TokenFile {
  readonly #tokens = new Map<string, { token: string; groups: readonly string[] }>();

  add(user: TokenUser): void {
    this.#tokens.set(user.name, {
      token: user.token ?? randomBytes(16).toString("hex"),
      groups: user.groups ?? [],
    });
  }

  tokenOf(name: string): string {
    const found = this.#tokens.get(name);
    if (!found) throw new Error(`No user ${name}: hand it to startControlPlane({ users }) or addUser()`);
    return found.token;
  }

  toCsv(): string {
    return [...this.#tokens]
      .map(([name, { token, groups }]) => {
        // The uid stays empty, as with client certificates. An empty column of groups would be one named "".
        const column = groups.length > 0 ? `,"${groups.join(",")}"` : "";
        return `${token},${name},${column}\n`;
      })
      .join("");
  }
}

export interface PodTokenOptions {
  /** Seconds, at least 600 (the API server's own limit); default 3600. */
  readonly expirationSeconds?: number;
  /** Default: what the API server accepts for itself. */
  readonly audiences?: readonly string[];
}

/**
 * A token as the kubelet would put into this pod. Namespace, service account and pod are created where they are
 * missing; the pod is never run, it only has to exist, since the token is bound to its uid.
 */
export async function requestPodToken(
  call: KubeHttp,
  namespace: string,
  serviceAccount: string,
  pod: string,
  options: PodTokenOptions = {},
): Promise<string> {
  const inNamespace = `/api/v1/namespaces/${namespace}`;
  await ensure(call, "/api/v1/namespaces", { kind: "Namespace", metadata: { name: namespace } });
  await ensure(call, `${inNamespace}/serviceaccounts`, {
    kind: "ServiceAccount",
    metadata: { name: serviceAccount },
  });
  await ensure(call, `${inNamespace}/pods`, {
    kind: "Pod",
    metadata: { name: pod },
    spec: {
      serviceAccountName: serviceAccount,
      automountServiceAccountToken: false,
      // As the restricted Pod Security Standard wants it, which a namespace may enforce.
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "main",
          image: "none.invalid/none",
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  });
  const { metadata } = expectOk(await call("GET", `${inNamespace}/pods/${pod}`));
  const request = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      audiences: options.audiences ?? [],
      expirationSeconds: options.expirationSeconds ?? 3600,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name: pod, uid: metadata.uid },
    },
  };
  const path = `${inNamespace}/serviceaccounts/${serviceAccount}/token`;
  return expectOk(await call("POST", path, { body: request })).status.token;
}

async function ensure(call: KubeHttp, path: string, object: object): Promise<void> {
  const answer: Answer = await call("POST", path, { body: { apiVersion: "v1", ...object } });
  if (answer.code !== 409) expectOk(answer);
}
