import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { ADMIN, type PodTokenOptions, requestPodToken, TokenFile, type TokenUser } from "./identities.ts";
import { createKubeHttp, expectOk, type KubeHttp } from "./kube-http.ts";
import { type KubectlOptions, type KubectlResult, kubeconfigText, runKubectl } from "./kubectl.ts";
import { sumSamples } from "./metrics.ts";
import { freePorts } from "./ports.ts";
import { type Supervised, supervise } from "./supervise.ts";

export interface ControlPlaneOptions {
  /** Beside "admin" (group system:masters), who is always there. */
  readonly users?: readonly TokenUser[];
  /** Appended to the flags below, so that they win: `--watch-cache=false`. */
  readonly apiServerArgs?: readonly string[];
  readonly etcdArgs?: readonly string[];
}

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

  /** Graceful end and a new start on the same port; resolves when it is ready again. */
  restartApiServer(): Promise<void>;
  /** kill -9; connections break. startApiServer() brings it back. */
  killApiServer(): Promise<void>;
  /** Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** SIGSTOP: connections stay open and go silent, as with a machine that hangs. */
  freezeApiServer(): void;
  thawApiServer(): void;
  /** kill -9 and a new start over the same data; resolves when the API server is ready again. */
  restartEtcd(): Promise<void>;
  /** Forgets all history up to now: older continue tokens and resourceVersions answer 410 where no cache has them. */
  compact(): Promise<void>;
  /** The API server's /metrics. */
  metricsText(): Promise<string>;
  /** Sum over the samples with these labels, for example ("apiserver_request_total", { resource: "leases" }). */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** Kills both servers and removes the folder. Idempotent. */
  stop(): Promise<void>;
}

/** Longest wait for readiness; a busy machine needs 10 s, so 60 s is a hang. */
const READY_WITHIN_MS = 60_000;

/**
 * Starts etcd and kube-apiserver on free ports of 127.0.0.1 (about 3 s). Builds them first where they are missing.
 * Rejects with the servers' last words when they don't get ready.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
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

/** The two processes and what they are started with. */
class Servers {
  readonly url: string;
  readonly etcdUrl: string;
  readonly users = new TokenFile();
  readonly binaries: Binaries;
  readonly folder: string;
  readonly #options: ControlPlaneOptions;
  readonly #peerUrl: string;
  readonly #port: number;
  #etcd: Supervised | undefined;
  #apiServer: Supervised | undefined;

  constructor(binaries: Binaries, folder: string, options: ControlPlaneOptions, ports: number[]) {
    const [port, etcdPort, peerPort] = ports as [number, number, number];
    this.binaries = binaries;
    this.folder = folder;
    this.#options = options;
    this.#port = port;
    this.url = `https://127.0.0.1:${port}`;
    this.etcdUrl = `http://127.0.0.1:${etcdPort}`;
    this.#peerUrl = `http://127.0.0.1:${peerPort}`;
    for (const user of [ADMIN, ...(options.users ?? [])]) this.users.add(user);
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(this.path("sa.key"), keys.privateKey.export({ type: "pkcs8", format: "pem" }), {
      mode: 0o600,
    });
    writeFileSync(this.path("sa.pub"), keys.publicKey.export({ type: "spki", format: "pem" }));
    mkdirSync(this.path("certs"));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get apiServer(): Supervised {
    if (!this.#apiServer || this.#apiServer.hasExited()) throw new Error("The API server is not running");
    return this.#apiServer;
  }

  async startEtcd(): Promise<void> {
    const args = [
      `--data-dir=${this.path("etcd")}`,
      `--listen-client-urls=${this.etcdUrl}`,
      `--advertise-client-urls=${this.etcdUrl}`,
      `--listen-peer-urls=${this.#peerUrl}`,
      `--initial-advertise-peer-urls=${this.#peerUrl}`,
      `--initial-cluster=default=${this.#peerUrl}`,
      // The data lives as long as the test.
      "--unsafe-no-fsync",
      "--log-level=error",
      ...(this.#options.etcdArgs ?? []),
    ];
    this.#etcd = await supervise(this.binaries.etcd, args, {
      logFile: this.path("etcd.log"),
      folder: this.folder,
    });
    await this.#ready(this.#etcd, `${this.etcdUrl}/readyz`);
  }

  async startApiServer(): Promise<void> {
    writeFileSync(this.path("tokens.csv"), this.users.toCsv(), { mode: 0o600 });
    const args = [
      `--etcd-servers=${this.etcdUrl}`,
      `--secure-port=${this.#port}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      // It would try to publish a loopback address as the Service "kubernetes", and complain.
      "--endpoint-reconciler-type=none",
      `--cert-dir=${this.path("certs")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${this.path("sa.pub")}`,
      `--service-account-signing-key-file=${this.path("sa.key")}`,
      "--authorization-mode=RBAC",
      `--token-auth-file=${this.path("tokens.csv")}`,
      "--service-cluster-ip-range=10.0.0.0/24",
      // Nobody makes default service accounts here, so pods would be refused.
      "--disable-admission-plugins=ServiceAccount",
      "--allow-privileged=true",
      ...(this.#options.apiServerArgs ?? []),
    ];
    this.#apiServer = await supervise(this.binaries.apiServer, args, {
      logFile: this.path("kube-apiserver.log"),
      folder: this.folder,
    });
    await this.waitForApiServer();
  }

  async waitForApiServer(): Promise<void> {
    await this.#ready(this.apiServer, `${this.url}/readyz`);
    // Made by a loop of the API server's that readiness doesn't wait for.
    await this.#ready(this.apiServer, `${this.url}/api/v1/namespaces/default`);
  }

  async stopApiServer(signal: NodeJS.Signals): Promise<void> {
    await this.#apiServer?.stop(signal);
  }

  async stopEtcd(): Promise<void> {
    await this.#etcd?.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([this.stopApiServer("SIGKILL"), this.stopEtcd()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The authority is among the certificates that the API server makes when it first starts. */
  caPem(): string {
    return readFileSync(this.path("certs/apiserver.crt"), "utf8");
  }

  async #ready(server: Supervised, url: string): Promise<void> {
    const deadline = systemClock.monotonicMs() + READY_WITHIN_MS;
    let last = "no answer";
    while (!server.hasExited() && systemClock.monotonicMs() < deadline) {
      try {
        const { origin, pathname } = new URL(url);
        const secure = origin === this.url;
        const call = createKubeHttp(
          secure
            ? { url: origin, caPem: this.caPem(), token: this.users.tokenOf(ADMIN.name) }
            : { url: origin },
        );
        const answer = await call("GET", pathname).finally(() => call.close());
        if (answer.code === 200) return;
        last = `HTTP ${answer.code}: ${answer.text.slice(0, 2000)}`;
      } catch (error) {
        last = String(error);
      }
      await sleep(systemClock, 50);
    }
    const ending = server.hasExited() ? `ended with ${await server.exited}` : "is not ready";
    throw new Error(`${url} ${ending}; ${last}\n${server.logTail()}`);
  }
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
    async restartApiServer() {
      await servers.stopApiServer("SIGTERM");
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
    async compact() {
      const etcd = createKubeHttp({ url: servers.etcdUrl });
      const key = Buffer.from("none").toString("base64");
      const { header } = expectOk(await etcd("POST", "/v3/kv/range", { body: { key } }));
      expectOk(
        await etcd("POST", "/v3/kv/compaction", { body: { revision: header.revision, physical: true } }),
      );
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
