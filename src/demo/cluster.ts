import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install } from "../cli/install.ts";
import { launchManager } from "../cli/manager.ts";
import { namesOf, registrationOf } from "../cli/setup.ts";
import { systemClock } from "../clock.ts";
import { type Config, parseConfig } from "../config.ts";
import type { KubeApi, KubeObject, ResourceType } from "../kube/api.ts";
import { createKubeApi, type KubeClient } from "../kube/client.ts";
import { readKubeConfig } from "../kube/config.ts";
import { createLog, silentLog } from "../log.ts";
import type { Manager } from "../manager.ts";
import { Balancer } from "../sandbox/balancer.ts";
import { kubeconfigYaml } from "../sandbox/kubeconfig.ts";
import { type Sandbox, startSandbox } from "../sandbox/sandbox.ts";
import { VERSION } from "../version.ts";
import { sandboxCrds } from "./crds.ts";

const POD_NAME = "authentication.kubernetes.io/pod-name";
const SYSTEM_NAMESPACE = "beskar7-system";
const CLUSTER_ROLE_BINDINGS: ResourceType = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  plural: "clusterrolebindings",
  kind: "ClusterRoleBinding",
  namespaced: false,
};

export interface DemoCluster {
  readonly sandbox: Sandbox;
  readonly admin: KubeApi;
  readonly managers: readonly Manager[];
  /** Where this run's files are; removed by close(). */
  readonly folder: string;
  readonly kubeconfigPath: string;
  /** A client over HTTPS with the identity of a controller's pod. */
  controllerApi(pod: string): KubeClient;
  close(): Promise<void>;
}

/** A sandbox with our registration on it and several replicas of the service, all over real TLS on loopback. */
export async function startDemoCluster(config: Config): Promise<DemoCluster> {
  const folder = mkdtempSync(join(tmpdir(), "beskar7-demo-"));
  const sandbox = await startSandbox({ crds: sandboxCrds(), collectGarbage: true });
  const balancer = await Balancer.start();
  const admin = sandbox.api();
  const clients: KubeClient[] = [];
  const end = new AbortController();

  const podApi = (serviceAccount: string, pod: string): KubeClient => {
    const username = `system:serviceaccount:${SYSTEM_NAMESPACE}:${serviceAccount}`;
    const groups = [
      "system:serviceaccounts",
      `system:serviceaccounts:${SYSTEM_NAMESPACE}`,
      "system:authenticated",
    ];
    const token = sandbox.addUser({ username, groups, extra: { [POD_NAME]: [pod] } });
    const client = createKubeApi({
      config: readKubeConfig(kubeconfigYaml({ url: sandbox.url, caPem: sandbox.caPem, username, token })),
      version: VERSION,
    });
    clients.push(client);
    return client;
  };

  const webhookUrl = `https://127.0.0.1:${balancer.port}`;
  const first = replicaConfig(webhookUrl, "coordinator-0");
  const quiet = { print() {}, log: silentLog, clock: systemClock };
  await install({
    ...quiet,
    api: admin,
    names: namesOf(first),
    registration: registrationOf(first),
  });
  await admin.create(CLUSTER_ROLE_BINDINGS, controllersMayEverything());

  const managers: Manager[] = [];
  for (let index = 0; index < config.replicas; index++) {
    const pod = `coordinator-${index}`;
    const log = createLog(config.logLevel, createWriteStream(join(folder, `${pod}.log`)));
    const api = podApi("beskar7-claim-coordinator", pod);
    managers.push(await launchManager(replicaConfig(webhookUrl, pod), api, log, end.signal));
  }
  balancer.setTargets(managers.map(({ addresses }) => addresses.webhook.port));

  const kubeconfigPath = join(folder, "kubeconfig");
  writeFileSync(kubeconfigPath, sandbox.kubeconfig(), { mode: 0o600 });
  return {
    sandbox,
    admin,
    managers,
    folder,
    kubeconfigPath,
    controllerApi: (pod) => podApi("beskar7-controller-manager", pod),
    async close() {
      await Promise.all(managers.map((manager) => manager.stop()));
      end.abort();
      for (const client of clients) client.close();
      await balancer.stop();
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The flags of one replica, read as the command line's would be; timings that suit somebody who watches. */
function replicaConfig(webhookUrl: string, pod: string): Config {
  const parsed = parseConfig(
    [
      "manager",
      "--enable-claim-coordinator-leader-election=true",
      "--claim-coordinator-lease-duration=5s",
      "--claim-coordinator-renew-deadline=3s",
      "--claim-coordinator-retry-period=1s",
      "--webhook-bind-address=127.0.0.1:0",
      "--metrics-bind-address=127.0.0.1:0",
      "--metrics-secure=false",
      "--health-probe-bind-address=127.0.0.1:0",
      `--webhook-url=${webhookUrl}`,
    ],
    { POD_NAME: pod, POD_NAMESPACE: SYSTEM_NAMESPACE },
  );
  if (!parsed.ok) throw new Error(`the demo's own flags are wrong: ${JSON.stringify(parsed.problems)}`);
  return parsed.config;
}

function controllersMayEverything(): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "demo-controllers" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", namespace: SYSTEM_NAMESPACE, name: "beskar7-controller-manager" }],
  };
}
