import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { ADMIN, type PodTokenOptions, requestPodToken, type TokenUser } from "./identities.ts";
import { createKubeHttp, expectOk, type KubeHttp } from "./kube-http.ts";
import { type KubectlOptions, type KubectlResult, kubeconfigText, runKubectl } from "./kubectl.ts";
import { sumSamples } from "./metrics.ts";
import { freePorts } from "./ports.ts";
import { type ServerOptions, Servers } from "./servers.ts";

/** Who a call is made as: a user of the token file by name, or whoever a token stands for. Default: admin. */
export type Identity = { readonly user?: string; readonly token?: string };

export interface ControlPlane {
  /** https://127.0.0.1:PORT, without a slash at the end. Stays the same over restarts, as does the certificate. */
  readonly url: string;
  readonly caPem: string;
  readonly binaries: Binaries;
  /** Removed by stop(); a place for a test's own files as well. */
  readonly folder: string;
  /** Raw HTTPS as admin; `{ token }` in a call's extras makes it somebody else's. */
  readonly call: KubeHttp;

  token(user: string): string;
  /** Extends the token file. The API server reads it only when it starts, so this restarts it (about 3 s). */
  addUser(user: TokenUser): Promise<void>;
  /**
   * A token bound to a pod, with the pod's name in userInfo.extra. Creates the namespace, the service account and
   * the pod where they are missing. It has no rights until a RoleBinding gives some.
   */
  podToken(
    namespace: string,
    serviceAccount: string,
    pod: string,
    options?: PodTokenOptions,
  ): Promise<string>;
  kubeconfig(identity?: Identity & { namespace?: string }): string;
  /** The same in a file under `folder`; the path is returned. */
  kubeconfigFile(identity?: Identity & { namespace?: string }): string;
  kubectl(args: readonly string[], options?: KubectlOptions & Identity): Promise<KubectlResult>;

  /**
   * Graceful end and a new start on the same port; resolves when it is ready again. After `graceMs` it is killed:
   * it waits up to a minute for watches that are served from etcd. Default: it gets all the time it takes.
   */
  restartApiServer(graceMs?: number): Promise<void>;
  /** kill -9; connections break. startApiServer() brings it back. */
  killApiServer(): Promise<void>;
  /** Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** SIGSTOP: connections stay open and go silent, as with a machine that hangs. */
  freezeApiServer(): void;
  thawApiServer(): void;
  /** kill -9 and a new start over the same data; resolves when the API server is ready again. */
  restartEtcd(): Promise<void>;
  /** Forgets all history up to a revision, or to now: older continue tokens and resourceVersions answer 410 where no cache has them. */
  compact(upTo?: number): Promise<void>;
  /** The API server's /metrics. */
  metricsText(): Promise<string>;
  /** Sum over the samples with these labels, for example ("apiserver_request_total", { resource: "leases" }). */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Kills both servers and removes the folder. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver on free ports of 127.0.0.1 (about 3 s). Builds them first where they are missing.
 * Rejects with the servers' last words when they don't get ready.
 */
export async function startControlPlane(options: ServerOptions = {}): Promise<ControlPlane> {
  const binaries = await findBinaries();
  if (!binaries) throw new Error("No control plane: needs Go, or KUBEBUILDER_ASSETS with the binaries");
  const folder = mkdtempSync(join(tmpdir(), "controlplane-"));
  const servers = new Servers(binaries, folder, options, await freePorts(3));
  try {
    await servers.startEtcd();
    await servers.startApiServer();
  } catch (error) {
    await servers.stop();
    throw error;
  }
  return controlPlane(servers);
}

function controlPlane(servers: Servers): ControlPlane {
  const { url, folder, binaries, users } = servers;
  const caPem = servers.caPem();
  const call = createKubeHttp({ url, caPem, token: users.tokenOf(ADMIN.name) });
  let kubeconfigs = 0;

  const kubeconfig: ControlPlane["kubeconfig"] = ({ user = ADMIN.name, token, namespace } = {}) =>
    kubeconfigText({
      url,
      caPem,
      user,
      token: token ?? users.tokenOf(user),
      ...(namespace && { namespace }),
    });

  const kubeconfigFile: ControlPlane["kubeconfigFile"] = (identity) => {
    kubeconfigs += 1;
    const path = join(folder, `kubeconfig-${kubeconfigs}`);
    writeFileSync(path, kubeconfig(identity), { mode: 0o600 });
    return path;
  };

  const plane: ControlPlane = {
    url,
    caPem,
    folder,
    binaries,
    call,
    kubeconfig,
    kubeconfigFile,
    token: (user) => users.tokenOf(user),
    async addUser(user) {
      users.add(user);
      await plane.restartApiServer();
    },
    podToken: (namespace, serviceAccount, pod, options) =>
      requestPodToken(call, namespace, serviceAccount, pod, options),
    kubectl: (args, options = {}) =>
      runKubectl(binaries.kubectl, folder, [`--kubeconfig=${kubeconfigFile(options)}`, ...args], options),
    async restartApiServer(graceMs) {
      const kill = () => void servers.stopApiServer("SIGKILL");
      const patience = graceMs === undefined ? null : systemClock.schedule(graceMs, kill);
      await servers.stopApiServer("SIGTERM");
      patience?.cancel();
      await servers.startApiServer();
    },
    killApiServer: () => servers.stopApiServer("SIGKILL"),
    startApiServer: () => servers.startApiServer(),
    freezeApiServer: () => servers.apiServer.signal("SIGSTOP"),
    thawApiServer: () => servers.apiServer.signal("SIGCONT"),
    async restartEtcd() {
      await servers.stopEtcd();
      await servers.startEtcd();
      await servers.waitForApiServer();
    },
    async compact(upTo) {
      const etcd = createKubeHttp({ url: servers.etcdUrl });
      const key = Buffer.from("none").toString("base64");
      const { header } = expectOk(await etcd("POST", "/v3/kv/range", { body: { key } }));
      const compaction = { revision: upTo ?? header.revision, physical: true };
      const done = await etcd("POST", "/v3/kv/compaction", { body: compaction });
      // Somebody else compacted up to there in the meantime: as good.
      if (!done.text.includes("has been compacted")) expectOk(done);
      etcd.close();
    },
    metricsText: async () => (await call("GET", "/metrics", { headers: { accept: "text/plain" } })).text,
    metric: async (name, labels) => sumSamples(await plane.metricsText(), name, labels),
    async stop() {
      call.close();
      await servers.stop();
    },
  };
  return plane;
}
