import { stringify } from "yaml";

export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly username: string;
  readonly token: string;
}

/** A kubeconfig for one user, as YAML. */
export function kubeconfigYaml({ url, caPem, username, token }: KubeconfigOptions): string {
  const name = "sandbox";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: { server: url, "certificate-authority-data": Buffer.from(caPem).toString("base64") },
      },
    ],
    users: [{ name: username, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: username, namespace: "default" } }],
    "current-context": name,
  });
}
