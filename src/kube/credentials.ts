import { Agent as HttpAgent, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../clock.ts";

/** What a request needs to reach the API server as us. */
export interface Connection {
  agent: HttpAgent;
  headers: OutgoingHttpHeaders;
  /** `user:password`, where the kubeconfig has them. */
  auth: string | undefined;
}

/**
 * Age at which files (tokens, certificates) are read again and an exec plugin's expiry is looked at; the
 * official clients re-read a pod's token once a minute, and the kubelet renews it long before it expires.
 */
const MAX_AGE_MS = 30_000;
const AGENT_OPTIONS = {
  keepAlive: true,
  keepAliveMsecs: 30_000,
  timeout: 60_000,
  scheduling: "lifo",
} as const;

/**
 * The credentials of a kubeconfig's current user, kept fresh: tokens are rotated, plugins run again when what
 * they gave has expired, and connections are opened anew when the TLS material changed.
 */
export class Credentials {
  readonly #clock: Clock;
  #config: KubeConfig;
  #current: { connection: Connection; tls: string; takenAtMs: number } | undefined;
  #pending: Promise<Connection> | undefined;

  constructor(config: KubeConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Rejects when a file can't be read or a plugin fails and nothing older is at hand. */
  connection(): Promise<Connection> {
    const current = this.#current;
    if (current !== undefined && this.#clock.monotonicMs() - current.takenAtMs < MAX_AGE_MS) {
      return Promise.resolve(current.connection);
    }
    this.#pending ??= this.#take().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The API server answered 401 to `refused`: forget every cached token and run plugins again. */
  renew(refused: Connection): Promise<Connection> {
    if (this.#current?.connection === refused) {
      const config = new KubeConfig();
      config.loadFromOptions({
        clusters: this.#config.clusters,
        users: this.#config.users,
        contexts: this.#config.contexts,
        currentContext: this.#config.currentContext,
      });
      this.#config = config;
      this.#current.takenAtMs = Number.NEGATIVE_INFINITY;
    }
    return this.connection();
  }

  close(): void {
    this.#current?.connection.agent.destroy();
  }

  async #take(): Promise<Connection> {
    const options: RequestOptions = { headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      // A token file may be missing for a moment while it is replaced: what worked so far probably still does.
      if (this.#current !== undefined) return this.#current.connection;
      throw error;
    }
    const headers: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      headers[name] = typeof value === "string" ? value.trim() : value;
    }
    const tls = JSON.stringify([options.ca, options.cert, options.key].map((pem) => pem?.toString()));
    const agent = this.#current?.tls === tls ? this.#current.connection.agent : this.#createAgent(options);
    const connection = { agent, headers, auth: options.auth ?? undefined };
    this.#current = { connection, tls, takenAtMs: this.#clock.monotonicMs() };
    return connection;
  }

  /** An agent that is replaced is not destroyed: watches run on it; its idle sockets close by their timeout. */
  #createAgent(options: RequestOptions): HttpAgent {
    const cluster = this.#config.getCurrentCluster();
    if (cluster?.proxyUrl) return options.agent as HttpAgent;
    if (cluster?.server.startsWith("http:")) return new HttpAgent(AGENT_OPTIONS);
    return new HttpsAgent({
      ...AGENT_OPTIONS,
      ca: options.ca,
      cert: options.cert,
      key: options.key,
      servername: options.servername,
      rejectUnauthorized: options.rejectUnauthorized,
    });
  }
}
