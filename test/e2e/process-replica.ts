import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKubeHttp } from "../controlplane/kube-http.ts";
import { freePorts } from "../controlplane/ports.ts";
import { supervise } from "../controlplane/supervise.ts";
import { LEASE_NAMESPACE, type Rig, until } from "./rig.ts";

/** The service as its users start it: a process of its own, which can be frozen and killed. */
export interface ProcessReplica {
  readonly pod: string;
  /** Where it answers reviews. */
  readonly port: number;
  /** Resolves once it has logged this message, however long ago. Rejects when it ends without it. */
  logged(message: string): Promise<void>;
  /** SIGSTOP and SIGCONT */
  freeze(): void;
  thaw(): void;
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** With short durations. Resolves when it is ready; reviews are not routed to it. */
export async function startProcessReplica(
  rig: Rig,
  pod: string,
  options: {
    stands?: boolean;
    /** It makes its certificates itself, with this --ca-overlap-wait; default: files with the rig's. */
    caOverlapWait?: string;
  } = {},
): Promise<ProcessReplica> {
  const [port, health] = (await freePorts(2)) as [number, number];
  const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", pod);
  const folder = join(rig.plane.folder, pod);
  mkdirSync(folder);
  const { caOverlapWait } = options;
  if (caOverlapWait === undefined) {
    writeFileSync(join(folder, "tls.crt"), rig.tls.cert);
    writeFileSync(join(folder, "tls.key"), rig.tls.key, { mode: 0o600 });
  }
  const args = [
    MAIN,
    "manager",
    `--kubeconfig=${rig.plane.kubeconfigFile({ token })}`,
    `--enable-claim-coordinator-leader-election=${options.stands ?? true}`,
    "--claim-coordinator-lease-duration=3s",
    "--claim-coordinator-renew-deadline=2s",
    "--claim-coordinator-retry-period=500ms",
    `--lease-namespace=${LEASE_NAMESPACE}`,
    `--webhook-url=https://127.0.0.1:${rig.balancer.port}`,
    caOverlapWait === undefined ? `--webhook-cert-dir=${folder}` : `--ca-overlap-wait=${caOverlapWait}`,
    `--webhook-bind-address=127.0.0.1:${port}`,
    "--metrics-bind-address=0",
    `--health-probe-bind-address=127.0.0.1:${health}`,
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
  const probe = createKubeHttp({ url: `http://127.0.0.1:${health}` });
  await until(async () => ended || (await probe("GET", "/readyz").catch(() => null))?.code === 200);
  probe.close();
  return {
    pod,
    port,
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
