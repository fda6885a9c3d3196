import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Clock } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import {
  decodeReview,
  encodeReview,
  type ReviewAnswer,
  type ReviewFailure,
  type ReviewHandler,
  type ReviewRequest,
} from "./review.ts";

/**
 * The API server's door: HTTPS/1.1, two review routes answered ahead of everything else. The API server speaks
 * HTTP/1.1 to webhooks and keeps 25 idle connections, so what matters is a cheap handler and cheap handshakes
 * (session tickets), not multiplexing.
 */

/**
 * A review carries object and oldObject. The API server refuses request bodies above 3 MiB, so two of them, and
 * 1 MiB for the envelope (userInfo with its groups and extra): 7 MiB.
 */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;

/** An idle connection outlives the API server's own 90 s idle limit, so that the API server closes first. */
const KEEP_ALIVE_MS = 120_000;

export interface WebhookServerOptions {
  /** By path: "/mutate", "/validate". */
  routes: Readonly<Record<string, ReviewHandler>>;
  /** Everything that is not a review route. */
  fallback: RequestListener;
  tls: SecureContextOptions & { requestCert?: boolean };
  /** timeoutSeconds of the registration in milliseconds, 1_000 to 30_000; half of it is what a review may take. */
  webhookTimeoutMs: number;
  /** Reviews decided at the same time; one more is answered as overloaded at once. */
  maxInflightReviews: number;
  clock: Clock;
  log: Log;
  /** The answer to a review that failed inside: never a dropped connection. */
  onFailure(route: string, request: ReviewRequest | undefined, failure: ReviewFailure): ReviewAnswer;
}

export interface WebhookServer {
  readonly address: AddressInfo;
  inflight(): number;
  /** New connections get the new certificate; open ones live on. A bad pair throws and changes nothing. */
  setTls(tls: SecureContextOptions): void;
  /** Stops accepting, closes idle connections, waits for reviews under way (at most `graceMs`). */
  close(graceMs: number): Promise<void>;
}

export async function startWebhookServer(
  bind: { host: string; port: number },
  options: WebhookServerOptions,
): Promise<WebhookServer> {
  let inflight = 0;
  let draining = false;

  const review = async (
    route: string,
    handler: ReviewHandler,
    incoming: IncomingMessage,
    out: ServerResponse,
  ) => {
    const body = await readBody(incoming);
    if (body === "aborted") return;
    if (body === "too large") {
      return reply(out, 413, `the body is larger than ${BODY_LIMIT_BYTES} bytes`, draining);
    }
    const decoded = decodeReview(body);
    if (!decoded.ok) {
      const answer = options.onFailure(route, undefined, { code: "Malformed", problem: decoded.problem });
      if (decoded.uid === "") return reply(out, 400, decoded.problem, draining);
      return replyJson(out, encodeReview(decoded.uid, answer), draining);
    }
    const { request } = decoded;
    const answer = await decideInTime(
      route,
      handler,
      request,
      deadlineMs(incoming, options.webhookTimeoutMs),
    );
    if (!out.writableEnded && !out.destroyed) replyJson(out, encodeReview(request.uid, answer), draining);
  };

  const decideInTime = async (
    route: string,
    handler: ReviewHandler,
    request: ReviewRequest,
    budgetMs: number,
  ): Promise<ReviewAnswer> => {
    if (inflight >= options.maxInflightReviews)
      return options.onFailure(route, request, { code: "Overloaded" });
    inflight++;
    const abort = new AbortController();
    let settled = false;
    try {
      const result = handler(request, abort.signal);
      if (!(result instanceof Promise)) return result;
      const late = new Promise<"late">((resolve) => {
        const timer = options.clock.schedule(budgetMs, () => resolve("late"));
        result.then(
          () => timer.cancel(),
          () => timer.cancel(),
        );
      });
      const first = await Promise.race([result, late]);
      settled = first !== "late";
      return first === "late" ? options.onFailure(route, request, { code: "DeadlineExceeded" }) : first;
    } catch (cause) {
      settled = true;
      return options.onFailure(route, request, { code: "Internal", cause });
    } finally {
      inflight--;
      if (!settled) abort.abort();
    }
  };

  const listener: RequestListener = (incoming, out) => {
    const url = incoming.url ?? "/";
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    const handler = Object.hasOwn(options.routes, path) ? options.routes[path] : undefined;
    if (handler === undefined) return options.fallback(incoming, out);
    if (incoming.method !== "POST") {
      out.setHeader("Allow", "POST");
      return reply(out, 405, "reviews are posted", draining);
    }
    review(path, handler, incoming, out).catch((error) => {
      options.log.error({ err: error, route: path }, "A review could not be answered");
      out.destroy();
    });
  };

  const server = createServer(
    { ...options.tls, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] },
    listener,
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // A whole review must arrive within the time in which its answer would still be read.
  server.headersTimeout = options.webhookTimeoutMs;
  server.requestTimeout = options.webhookTimeoutMs;
  server.on("tlsClientError", (error) => options.log.debug({ err: error }, "TLS handshake failed"));
  await listen(server, bind);
  return {
    address: server.address() as AddressInfo,
    inflight: () => inflight,
    setTls: (tls) => server.setSecureContext({ ...tls, minVersion: "TLSv1.2" }),
    async close(graceMs) {
      draining = true;
      await new Promise<void>((resolve) => {
        const force = options.clock.schedule(graceMs, () => server.closeAllConnections());
        server.close(() => {
          force.cancel();
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

function listen(server: Server, bind: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(bind.port, bind.host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

/** The API server appends its own timeout to the URL (`?timeout=5s`): the smaller of both is what counts. */
function deadlineMs(incoming: IncomingMessage, configuredMs: number): number {
  const match = /[?&]timeout=(\d{1,4})s(?:&|$)/.exec(incoming.url ?? "");
  const askedMs = match === null ? configuredMs : Number(match[1]) * 1000;
  return Math.min(askedMs > 0 ? askedMs : configuredMs, configuredMs) / 2;
}

function readBody(incoming: IncomingMessage): Promise<string | "aborted" | "too large"> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > BODY_LIMIT_BYTES) {
        incoming.removeAllListeners("data");
        incoming.resume();
        return resolve("too large");
      }
      chunks.push(chunk);
    });
    incoming.on("end", () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
      resolve(incoming.complete ? body.toString("utf8") : "aborted");
    });
    incoming.on("error", () => resolve("aborted"));
    incoming.on("close", () => resolve("aborted"));
  });
}

function replyJson(out: ServerResponse, body: string, draining: boolean): void {
  const headers: Record<string, string | number> = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  if (draining) headers.connection = "close";
  out.writeHead(200, headers).end(body);
}

function reply(out: ServerResponse, code: number, message: string, draining: boolean): void {
  const body = `${JSON.stringify({ error: message })}\n`;
  const headers: Record<string, string | number> = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
  };
  // What was not read to its end must not be parsed as the next request on the same connection.
  if (draining || code === 413) headers.connection = "close";
  out.writeHead(code, headers).end(body);
}
