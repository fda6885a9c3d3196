import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface HttpServer {
  readonly url: string;
  readonly received: Received[];
  /** Set by a test: answers the next requests. */
  answer: (request: Received, response: ServerResponse) => void;
  /** Sockets accepted so far. */
  readonly connections: number;
  closeConnections(): void;
  close(): Promise<void>;
}

/** A server on a free port of this machine, which answers what a test tells it to. */
export async function startHttpServer(): Promise<HttpServer> {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
    received.push(one);
    handle.answer(one, response);
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const handle: HttpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (_request, response) => json(response, 200, {}),
    get connections() {
      return connections;
    },
    closeConnections: () => server.closeAllConnections(),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return handle;
}

export function json(response: ServerResponse, code: number, body: unknown, headers: object = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A kubeconfig for such a server; `user` as client-node knows users. */
export function configFor(url: string, user: object = { token: "t0" }): KubeConfig {
  const config = new KubeConfig();
  const cluster = { name: "c", server: url, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "u", ...user });
  return config;
}
