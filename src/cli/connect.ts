import type { Config } from "../config.ts";
import { createKubeApi, type KubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/config.ts";
import { VERSION } from "../version.ts";

/** The API server that the flags and the environment name. Throws KubeConfigError, which says where it looked. */
export function connect(config: Pick<Config, "kubeconfig">): KubeClient {
  return createKubeApi({ config: loadKubeConfig({ kubeconfig: config.kubeconfig }), version: VERSION });
}
