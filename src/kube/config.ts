import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";

export type { KubeConfig } from "@kubernetes/client-node";

/**
 * KUBECONFIG_NONE: nowhere to look: no path, no KUBECONFIG, not in a cluster, no default file.
 * KUBECONFIG_UNREADABLE: the file is missing, or not a kubeconfig.
 * KUBECONFIG_INCOMPLETE: its current context names no cluster or no user.
 */
export type KubeConfigErrorCode = "KUBECONFIG_NONE" | "KUBECONFIG_UNREADABLE" | "KUBECONFIG_INCOMPLETE";

export class KubeConfigError extends Error {
  override readonly name = "KubeConfigError";
  readonly code: KubeConfigErrorCode;

  constructor(code: KubeConfigErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface KubeConfigSource {
  /** Path of a kubeconfig; "" or absent: KUBECONFIG, then the pod's service account, then ~/.kube/config. */
  kubeconfig?: string;
  /** Default: the process's own. */
  env?: NodeJS.ProcessEnv;
}

const SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * Where the API server is and who we are there, looked for in the order that controllers use.
 * Throws KubeConfigError.
 */
export function loadKubeConfig(source: KubeConfigSource = {}): KubeConfig {
  const env = source.env ?? process.env;
  const config = new KubeConfig();
  const path = source.kubeconfig || undefined;
  const defaultPath = join(env.HOME ?? homedir(), ".kube", "config");
  if (path !== undefined) {
    read(path, () => loadFile(config, path));
  } else if (env.KUBECONFIG) {
    const files = env.KUBECONFIG.split(delimiter).filter((file) => file !== "");
    // As kubectl does: of several, those that are not there don't count.
    const present = files.filter(existsSync);
    for (const file of present.length === 0 ? files : present)
      read(file, () => config.mergeConfig(readFile(file), config.getCurrentContext() !== undefined));
  } else if (env.KUBERNETES_SERVICE_HOST && existsSync(SERVICE_ACCOUNT_TOKEN)) {
    config.loadFromCluster();
  } else if (existsSync(defaultPath)) {
    read(defaultPath, () => loadFile(config, defaultPath));
  } else {
    throw new KubeConfigError(
      "KUBECONFIG_NONE",
      `no API server is configured: give a kubeconfig, set KUBECONFIG, run in a pod, or create ${defaultPath}`,
    );
  }
  if (!config.getCurrentCluster()?.server || !config.getCurrentUser()) {
    throw new KubeConfigError(
      "KUBECONFIG_INCOMPLETE",
      `the kubeconfig's current context ${JSON.stringify(config.getCurrentContext() ?? "")} lacks its cluster or user`,
    );
  }
  return config;
}

/** From the text of a kubeconfig. Throws where it is not one. */
export function readKubeConfig(text: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(text);
  return config;
}

function readFile(path: string): KubeConfig {
  const config = new KubeConfig();
  loadFile(config, path);
  return config;
}

/** The client's own reader knows no `tokenFile`, which is read again when it changes and comes before `token`. */
function loadFile(config: KubeConfig, path: string): void {
  config.loadFromFile(path);
  const { users = [] } = parse(readFileSync(path, "utf8"));
  config.users = config.users.map((user) => {
    const tokenFile = users.find(({ name }: { name?: unknown }) => name === user.name)?.user?.tokenFile;
    if (typeof tokenFile !== "string" || tokenFile === "") return user;
    const { token: _, ...others } = user;
    const authProvider = { name: "tokenFile", config: { tokenFile: resolve(dirname(path), tokenFile) } };
    return { ...others, authProvider };
  });
}

function read(path: string, load: () => void): void {
  try {
    load();
  } catch (cause) {
    throw new KubeConfigError("KUBECONFIG_UNREADABLE", `can't read the kubeconfig ${path}`, cause);
  }
}
