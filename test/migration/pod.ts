import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ControlPlane } from "../controlplane/index.ts";
import { freePorts } from "../controlplane/ports.ts";
import { supervise } from "../controlplane/supervise.ts";
import { LEASE_NAMESPACE, until } from "../e2e/rig.ts";

interface LogLine {
  readonly level: string;
  readonly msg: string;
}

export interface PodOptions {
  readonly name: string;
  readonly serviceAccount: string;
  /** What the image has as /manager. */
  readonly program: string;
  /** The container's own, then what only this machine needs. */
  readonly args: readonly string[];
}

/** One replica as a kubelet starts it: the program, with a Deployment's arguments, environment and pod token. */
export interface Pod {
  readonly name: string;
  /** Where it answers reviews. */
  readonly port: number;
  readonly lines: readonly LogLine[];
  /** All that it printed, as `kubectl logs` would show it. */
  readonly log: () => string;
  /** Resolves once it has logged this message, however long ago. Rejects when it ends without it. */
  said(message: string): Promise<void>;
  /** Base URL of /metrics, which anybody may read. */
  readonly peopleUrl: string;
  metrics(): Promise<string>;
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Resolves when it is ready; reviews are not routed to it. */
export async function startPod(plane: ControlPlane, options: PodOptions): Promise<Pod> {
  const { name, program, serviceAccount, args } = options;
  const [port = 0, metrics = 0, health = 0] = await freePorts(3);
  const token = await plane.podToken(LEASE_NAMESPACE, serviceAccount, name);
  const folder = join(plane.folder, name);
  mkdirSync(folder, { recursive: true });
  const command = [
    `POD_NAME=${name}`,
    `POD_NAMESPACE=${LEASE_NAMESPACE}`,
    process.execPath,
    program,
    ...args,
    `--kubeconfig=${plane.kubeconfigFile({ token })}`,
    `--webhook-bind-address=127.0.0.1:${port}`,
    `--metrics-bind-address=127.0.0.1:${metrics}`,
    "--metrics-secure=false",
    `--health-probe-bind-address=127.0.0.1:${health}`,
  ];
  const text: string[] = [];
  const lines: LogLine[] = [];
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const running = await supervise("env", command, {
    logFile: join(folder, "stderr.log"),
    folder,
    onLine(line) {
      text.push(`${line}\n`);
      lines.push(JSON.parse(line) as LogLine);
      wake();
    },
  });
  void running.exited.then(wake);
  const ended = (wanted: string) =>
    new Error(`${name} ended without ${wanted}\n${text.join("")}${running.logTail()}`);
  await until(async () => {
    if (running.hasExited()) throw ended("being ready");
    return await fetch(`http://127.0.0.1:${health}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  const peopleUrl = `http://127.0.0.1:${metrics}`;
  return {
    name,
    port,
    peopleUrl,
    lines,
    log: () => text.join(""),
    async said(message) {
      while (!lines.some(({ msg }) => msg === message)) {
        if (running.hasExited()) throw ended(`"${message}"`);
        await changed.promise;
      }
    },
    metrics: async () => (await fetch(`${peopleUrl}/metrics`)).text(),
    stop: (signal = "SIGTERM") => running.stop(signal),
  };
}
