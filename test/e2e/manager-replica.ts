import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchManager } from "../../src/cli/manager.ts";
import type { Clock } from "../../src/clock.ts";
import { parseConfig } from "../../src/config.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { createLog, silentLog } from "../../src/log.ts";
import type { Manager } from "../../src/manager.ts";
import { apiFor, LEASE_NAMESPACE, type Rig, until } from "./rig.ts";

/** One replica with all its doors, as its command starts it, in this process. */
export interface ManagerReplica {
  readonly pod: string;
  readonly manager: Manager;
  readonly api: KubeClient;
  /** Base URL of /metrics and the queue API. */
  readonly peopleUrl: string;
  readonly readyUrl: string;
  stop(): Promise<void>;
}

export interface ManagerReplicaOptions {
  /** Where it reaches the API server; default: directly. */
  readonly apiUrl?: string;
  readonly clock?: Clock;
}

/**
 * With short durations and the rig's certificate; `flags` count over these. Resolves when it is ready; reviews go to
 * it once `rig.balancer` is told.
 */
export async function startManagerReplica(
  rig: Rig,
  pod: string,
  flags: readonly string[] = [],
  options: ManagerReplicaOptions = {},
): Promise<ManagerReplica> {
  const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", pod);
  const folder = join(rig.plane.folder, `certificates-of-${pod}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "tls.crt"), rig.tls.cert);
  writeFileSync(join(folder, "tls.key"), rig.tls.key, { mode: 0o600 });
  const words = [
    "manager",
    "--claim-coordinator-lease-duration=3s",
    "--claim-coordinator-renew-deadline=2s",
    "--claim-coordinator-retry-period=500ms",
    `--lease-namespace=${LEASE_NAMESPACE}`,
    `--webhook-url=https://127.0.0.1:${rig.balancer.port}`,
    `--webhook-cert-dir=${folder}`,
    "--webhook-bind-address=127.0.0.1:0",
    "--metrics-bind-address=127.0.0.1:0",
    "--health-probe-bind-address=127.0.0.1:0",
    ...flags,
  ];
  const parsed = parseConfig(words, { POD_NAME: pod, POD_NAMESPACE: LEASE_NAMESPACE });
  assert(parsed.ok, JSON.stringify(parsed));
  const { config } = parsed;
  const { apiUrl = rig.plane.url, clock } = options;
  const api = apiFor(rig.plane.kubeconfig({ token }).replace(rig.plane.url, apiUrl));
  const log = process.env.RIG_LOG ? createLog("debug", process.stderr).child({ pod }) : silentLog;
  const end = new AbortController();
  const manager = await launchManager(config, api, log, end.signal, clock);
  const { metrics, health } = manager.addresses;
  const readyUrl = `http://127.0.0.1:${health?.port}/readyz`;
  await until(async () => (await fetch(readyUrl)).ok);
  return {
    pod,
    manager,
    api,
    peopleUrl: `${config.metricsSecure ? "https" : "http"}://127.0.0.1:${metrics?.port}`,
    readyUrl,
    async stop() {
      end.abort();
      await manager.stop();
      api.close();
    },
  };
}
