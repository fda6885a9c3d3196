import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { supervise } from "../controlplane/supervise.ts";
import { LEASE_NAMESPACE, type Rig } from "./rig.ts";

/** The service as its users start it: a process of its own, which can be frozen and killed. */
export interface ProcessReplica {
  readonly pod: string;
  /** Resolves once it has logged this message, however long ago. Rejects when it ends without it. */
  logged(message: string): Promise<void>;
  /** SIGSTOP and SIGCONT */
  freeze(): void;
  thaw(): void;
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** It stands for election with short durations; reviews are not routed to it. */
export async function startProcessReplica(rig: Rig, pod: string): Promise<ProcessReplica> {
  const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", pod);
  const folder = join(rig.plane.folder, pod);
  mkdirSync(folder);
  writeFileSync(join(folder, "tls.crt"), rig.tls.cert);
  writeFileSync(join(folder, "tls.key"), rig.tls.key, { mode: 0o600 });
  const args = [
    MAIN,
    "manager",
    `--kubeconfig=${rig.plane.kubeconfigFile({ token })}`,
    "--enable-claim-coordinator-leader-election=true",
    "--claim-coordinator-lease-duration=3s",
    "--claim-coordinator-renew-deadline=2s",
    "--claim-coordinator-retry-period=500ms",
    `--lease-namespace=${LEASE_NAMESPACE}`,
    `--webhook-url=https://127.0.0.1:${rig.balancer.port}`,
    `--webhook-cert-dir=${folder}`,
    "--webhook-bind-address=127.0.0.1:0",
    "--metrics-bind-address=0",
    "--health-probe-bind-address=0",
  ];
  const messages = new Set<string>();
  let ended = false;
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const running = await supervise(process.execPath, args, {
    logFile: join(folder, "stderr.log"),
    folder,
    onLine(line) {
      messages.add((JSON.parse(line) as { msg: string }).msg);
      wake();
    },
  });
  void running.exited.then(() => {
    ended = true;
    wake();
  });
  return {
    pod,
    async logged(message) {
      while (!messages.has(message)) {
        if (ended) {
          throw new Error(
            `${pod} ended without "${message}": ${[...messages].join("; ")}\n${running.logTail()}`,
          );
        }
        await changed.promise;
      }
    },
    freeze: () => running.signal("SIGSTOP"),
    thaw: () => running.signal("SIGCONT"),
    stop: (signal = "SIGTERM") => running.stop(signal),
  };
}
