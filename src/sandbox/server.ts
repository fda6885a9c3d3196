import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { WatchEvent } from "../kube/api.ts";
import { handle } from "./apiserver.ts";
import type { UserInfo } from "./auth/user.ts";
import type { Core } from "./core.ts";
import { PROTOBUF, protobufToJson } from "./protobuf.ts";
import type { ApiRequest, ApiResponse } from "./request.ts";

/** Source: the API server's limit for request bodies, 3 MiB. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Source: Go's servers keep idle connections this long; clients' pools rely on it. */
const IDLE_MS = 90_000;

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly keyPem: string;
  readonly certPem: string;
}

export interface Listener {
  readonly port: number;
  /** Ends all connections, running watches too, and frees the port. */
  close(): Promise<void>;
}

/** Serves the pipeline over HTTPS. */
export async function listen(core: Core, options: ListenOptions): Promise<Listener> {
  const server: Server = createHttpsServer(
    { key: options.keyPem, cert: options.certPem },
    (request, response) => {
      serve(core, request, response, `${options.host}:${portOf(server)}`).catch(() => response.destroy());
    },
  );
  server.keepAliveTimeout = IDLE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function serve(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  host: string,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    response.writeHead(413, { "content-type": "text/plain" }).end("request entity too large\n");
    return;
  }
  const answer = await handle(core, apiRequest(request, body), host);
  if (answer.watch !== undefined) streamWatch(answer, response);
  else send(answer, response);
}

function apiRequest(request: IncomingMessage, bytes: Buffer): ApiRequest {
  const { authorization, accept, "content-type": contentType, "user-agent": userAgent } = request.headers;
  const object = contentType === PROTOBUF ? protobufToJson(bytes) : undefined;
  const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
  const impersonated = impersonatedUser(request);
  return {
    method: request.method ?? "GET",
    target: request.url ?? "/",
    credentials: token === undefined ? undefined : { token },
    // What is not understood goes on as it is, to be refused as any other unknown type.
    body: object === undefined ? bytes.toString() : JSON.stringify(object),
    ...(impersonated === undefined ? {} : { impersonated }),
    ...(accept === undefined ? {} : { accept }),
    ...(contentType === undefined
      ? {}
      : { contentType: object === undefined ? contentType : "application/json" }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

/** `kubectl --as` and `--as-group`. */
function impersonatedUser({ headersDistinct }: IncomingMessage): UserInfo | undefined {
  const username = headersDistinct["impersonate-user"]?.[0];
  if (username === undefined) return undefined;
  const extra: Record<string, readonly string[]> = {};
  for (const [header, values] of Object.entries(headersDistinct)) {
    const key = /^impersonate-extra-(.+)$/.exec(header)?.[1];
    if (key !== undefined) extra[decodeURIComponent(key)] = values ?? [];
  }
  return { username, groups: headersDistinct["impersonate-group"] ?? [], extra };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const COMMON_HEADERS = { "cache-control": "no-cache, private", "content-type": "application/json" };

function headersOf(answer: ApiResponse): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { ...COMMON_HEADERS };
  for (const [name, value] of Object.entries(answer.headers)) {
    headers[name] = typeof value === "string" ? value : [...value];
  }
  return headers;
}

function send(answer: ApiResponse, response: ServerResponse): void {
  const text = typeof answer.body === "string" ? answer.body : `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.code, { ...headersOf(answer), "content-length": Buffer.byteLength(text) });
  response.end(text);
}

function streamWatch(answer: ApiResponse, response: ServerResponse): void {
  response.writeHead(200, headersOf(answer));
  response.flushHeaders();
  const running = answer.watch?.start(
    (event: WatchEvent) => response.write(`${JSON.stringify(event)}\n`),
    () => response.end(),
  );
  response.once("close", () => running?.stop());
}
