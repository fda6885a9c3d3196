import { mkdirSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { supervise } from "../controlplane/supervise.ts";
import { type GrantedCluster, NAMESPACE } from "./granted-cluster.ts";

/** The bundled service as a process of its own, with its service account's token, and all that it logs. */
export interface GrantedService {
  readonly lines: readonly string[];
  /** Resolves with the first line, past or to come, that matches. Rejects when the process ends without it. */
  said(words: RegExp): Promise<string>;
  readonly readyUrl: string;
  /** The status of a GET at the people's door. */
  get(path: string, token: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startGrantedService(
  cluster: GrantedCluster,
  file: string,
  pod: string,
): Promise<GrantedService> {
  const { plane, ports } = cluster;
  const token = await cluster.podToken(pod);
  const folder = join(plane.folder, pod);
  mkdirSync(folder, { recursive: true });
  const lines: string[] = [];
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const args = [
    file,
    "manager",
    `--kubeconfig=${plane.kubeconfigFile({ token })}`,
    "--enable-claim-coordinator-leader-election=true",
    "--claim-coordinator-lease-duration=3s",
    "--claim-coordinator-renew-deadline=2s",
    "--claim-coordinator-retry-period=500ms",
    `--lease-namespace=${NAMESPACE}`,
    `--webhook-url=https://127.0.0.1:${ports.webhook}`,
    `--webhook-bind-address=127.0.0.1:${ports.webhook}`,
    `--metrics-bind-address=127.0.0.1:${ports.metrics}`,
    `--health-probe-bind-address=127.0.0.1:${ports.health}`,
    "--zap-log-level=debug",
  ];
  const running = await supervise(process.execPath, args, {
    logFile: join(folder, "stderr.log"),
    folder,
    onLine(line) {
      lines.push(line);
      wake();
    },
  });
  void running.exited.then(wake);
  return {
    lines,
    readyUrl: `http://127.0.0.1:${ports.health}/readyz`,
    async said(words) {
      for (let next = 0; ; ) {
        for (; next < lines.length; next++) if (words.test(lines[next]!)) return lines[next]!;
        if (running.hasExited()) throw new Error(`it ended without ${words}\n${running.logTail()}`);
        await changed.promise;
      }
    },
    get: (path, bearer) => status(`https://127.0.0.1:${ports.metrics}${path}`, bearer),
    stop: () => running.stop("SIGKILL"),
  };
}

function status(url: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    // Who serves is not the question here; a certificate of its own is expected.
    request(url, { headers, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}
