import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  /** Standard input, for `-f -`. */
  readonly input?: string;
  /** Ends the command (a `get --watch` never ends by itself); the result then has code -1. */
  readonly signal?: AbortSignal;
  /** Called with each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs kubectl with nothing of the surroundings: no user's kubeconfig, no plugins, no cache shared with anybody. */
export function runKubectl(
  binary: string,
  home: string,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<KubectlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, [`--cache-dir=${home}/kubectl-cache`, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { HOME: home, KUBECONFIG: "/dev/null", PATH: "/usr/bin:/bin" },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    if (options.onLine) createInterface({ input: child.stdout }).on("line", options.onLine);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const abort = () => void child.kill("SIGKILL");
    options.signal?.addEventListener("abort", abort, { once: true });
    child.once("error", reject);
    child.once("close", (code) => {
      options.signal?.removeEventListener("abort", abort);
      resolve({ code: code ?? -1, stdout, stderr });
    });
    // A command that fails early closes its input.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
  });
}

/** A kubeconfig (as JSON, which is YAML) with one cluster, one user and one context. */
export function kubeconfigText(server: {
  url: string;
  caPem: string;
  user: string;
  token: string;
  namespace?: string;
}): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: {
          server: server.url,
          "certificate-authority-data": Buffer.from(server.caPem).toString("base64"),
        },
      },
    ],
    users: [{ name: server.user, user: { token: server.token } }],
    contexts: [
      {
        name: "test",
        context: { cluster: "test", user: server.user, namespace: server.namespace ?? "default" },
      },
    ],
    "current-context": "test",
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
