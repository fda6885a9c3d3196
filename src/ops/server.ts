import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import type { BindAddress } from "../config.ts";
import type { Log } from "../log.ts";

/** Requests have no body to speak of: whoever takes longer to send one is stuck, or holds the line on purpose. */
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** Probes, scrapes and some open pages; far below what would hurt the door of the API server next to it. */
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;

export interface OpsServerOptions {
  readonly app: RequestListener;
  readonly address: BindAddress;
  /** HTTPS with this pair; null for plain HTTP. */
  readonly tls: SecureContextOptions | null;
  /** TLS handshake, and a whole request from connection or first byte; 10 or more, default 10_000. */
  readonly requestTimeoutMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpsServer {
  readonly address: AddressInfo;
  /** New connections get the new certificate. A bad pair throws and changes nothing. Throws on plain HTTP. */
  setTls(tls: SecureContextOptions): void;
  /**
   * Stops accepting and resolves when the last answer is out, at most `graceMs` later: streams that are still open
   * then are cut off. Idempotent.
   */
  close(graceMs: number): Promise<void>;
}

/** Rejects with the system's error (EADDRINUSE, EACCES) when the address can't be had. */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { app, address, tls, clock, log, requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS } = options;
  const limits = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // Node looks for overdue requests this often, every 30 s unless told.
    connectionsCheckingInterval: requestTimeoutMs / 2,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const secure =
    tls === null
      ? null
      : createHttpsServer({ ...limits, handshakeTimeout: requestTimeoutMs, ...hardened(tls) }, app);
  const server: Server | HttpsServer = secure ?? createHttpServer(limits, app);
  server.maxConnections = MAX_CONNECTIONS;
  secure?.on("tlsClientError", (error) => log.debug({ err: error }, "TLS handshake failed"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });

  let closed: Promise<void> | undefined;
  // A connection that was busy when the server closed is idle, and kept alive, once its answer is out.
  server.on("request", (_request, response) => {
    response.once("close", () => {
      if (closed !== undefined) setImmediate(() => server.closeIdleConnections());
    });
  });
  return {
    address: server.address() as AddressInfo,
    setTls(next) {
      if (secure === null) throw new TypeError("this server speaks plain HTTP");
      secure.setSecureContext(hardened(next));
    },
    close(graceMs) {
      closed ??= new Promise((resolve) => {
        const force = clock.schedule(graceMs, () => server.closeAllConnections());
        server.close(() => {
          force.cancel();
          resolve();
        });
        server.closeIdleConnections();
      });
      return closed;
    },
  };
}

function hardened(tls: SecureContextOptions): SecureContextOptions {
  return { ...tls, minVersion: "TLSv1.2" };
}
