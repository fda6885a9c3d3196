import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";
import type { Binaries } from "./binaries.ts";
import { ADMIN, TokenFile, type TokenUser } from "./identities.ts";
import { createKubeHttp } from "./kube-http.ts";
import { type Supervised, supervise } from "./supervise.ts";

export interface ServerOptions {
  /** Beside "admin" (group system:masters), who is always there. */
  readonly users?: readonly TokenUser[];
  /** Appended to the API server's flags, so that they win: `--watch-cache=false`. */
  readonly apiServerArgs?: readonly string[];
  readonly etcdArgs?: readonly string[];
}

/** Longest wait for readiness; a busy machine needs 10 s, so 60 s is a hang. */
const READY_WITHIN_MS = 60_000;

/** The two processes and what they are started with. */
export class Servers {
  readonly url: string;
  readonly etcdUrl: string;
  readonly users = new TokenFile();
  readonly binaries: Binaries;
  readonly folder: string;
  readonly #options: ServerOptions;
  readonly #peerUrl: string;
  readonly #port: number;
  #etcd: Supervised | undefined;
  #apiServer: Supervised | undefined;

  constructor(binaries: Binaries, folder: string, options: ServerOptions, ports: number[]) {
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
