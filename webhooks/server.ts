import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { Clock, Timer } from "../src/clock.ts";
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
 * HTTP/1.1 to webhooks, keeps 25 idle connections and never resumes a TLS session, so what matters is a cheap handler
 * and a cheap whole handshake, not multiplexing.
 */

/**
 * A review carries object and oldObject. The API server refuses request bodies above 3 MiB, so two of them, and
 * 1 MiB for the envelope (userInfo with its groups and extra): 7 MiB.
 */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;

/**
 * Held in memory for bodies that are still arriving: nine of the largest, or thousands as they usually are. What
 * would pass it is turned away at once, so that no number of slow uploads can take the process down.
 */
export const BODIES_LIMIT_BYTES = 64 * 1024 * 1024;

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
  /** Goes on answering, and asks with each answer not to be asked again over the same connection. */
  drain(): void;
  /** Stops accepting, closes idle connections, waits for reviews under way (at most `graceMs`). */
  close(graceMs: number): Promise<void>;
}

export async function startWebhookServer(
  bind: { host: string; port: number },
  options: WebhookServerOptions,
): Promise<WebhookServer> {
  let inflight = 0;
  let draining = false;
  const arriving: Arriving = { bytes: 0 };
  /** For the next review. What is answered at once never looked at it, so it serves the one after. */
  let spare = new AbortController();

  const answer = (out: ServerResponse, request: ReviewRequest, verdict: ReviewAnswer) => {
    if (!out.writableEnded && !out.destroyed) replyJson(out, encodeReview(request.uid, verdict), draining);
  };

  const decide = (
    route: string,
    handler: ReviewHandler,
    incoming: IncomingMessage,
    out: ServerResponse,
    body: Buffer,
  ) => {
    const decoded = decodeReview(body);
    if (!decoded.ok) {
      const verdict = options.onFailure(route, undefined, { code: "Malformed", problem: decoded.problem });
      if (decoded.uid === "") return reply(out, 400, decoded.problem, draining);
      return replyJson(out, encodeReview(decoded.uid, verdict), draining);
    }
    const { request } = decoded;
    if (inflight >= options.maxInflightReviews) {
      return answer(out, request, options.onFailure(route, request, { code: "Overloaded" }));
    }
    inflight++;
    const abort = spare;
    try {
      const verdict = handler(request, abort.signal);
      if (!(verdict instanceof Promise)) {
        inflight--;
        return answer(out, request, verdict);
      }
      spare = new AbortController();
      const startedMs = options.clock.monotonicMs();
      const tookMs = () => options.clock.monotonicMs() - startedMs;
      const budgetMs = deadlineMs(incoming, options.webhookTimeoutMs);
      let timer: Timer | null = options.clock.schedule(budgetMs, () => {
        timer = null;
        abort.abort();
        answer(
          out,
          request,
          options.onFailure(route, request, { code: "DeadlineExceeded", tookMs: tookMs() }),
        );
      });
      const settle = (late: () => ReviewAnswer) => {
        inflight--;
        if (timer === null) return;
        timer.cancel();
        answer(out, request, late());
      };
      verdict.then(
        (value) => settle(() => value),
        (cause) =>
          settle(() => options.onFailure(route, request, { code: "Internal", cause, tookMs: tookMs() })),
      );
    } catch (cause) {
      inflight--;
      answer(out, request, options.onFailure(route, request, { code: "Internal", cause, tookMs: 0 }));
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
    readBody(incoming, arriving, (body) => {
      if (body === TOO_LARGE)
        return reply(out, 413, `the body is larger than ${BODY_LIMIT_BYTES} bytes`, draining);
      if (body === TOO_MANY) return reply(out, 503, "too many large bodies are arriving at once", draining);
      try {
        decide(path, handler, incoming, out, body);
      } catch (error) {
        options.log.error({ err: error, route: path }, "A review could not be answered");
        out.destroy();
      }
    });
  };

  const { webhookTimeoutMs } = options;
  const limits = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A whole review must arrive within the time in which its answer would still be read.
    handshakeTimeout: webhookTimeoutMs,
    headersTimeout: webhookTimeoutMs,
    requestTimeout: webhookTimeoutMs,
    // Node looks for overdue requests this often, every 30 s unless told.
    connectionsCheckingInterval: webhookTimeoutMs / 2,
  };
  const server = createServer(
    { ...options.tls, ...limits, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] },
    listener,
  );
  server.on("tlsClientError", (error) => options.log.debug({ err: error }, "TLS handshake failed"));
  await listen(server, bind);
  return {
    address: server.address() as AddressInfo,
    inflight: () => inflight,
    setTls: (tls) => server.setSecureContext({ ...tls, minVersion: "TLSv1.2" }),
    drain() {
      draining = true;
    },
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

const TOO_LARGE = Symbol("too large");
const TOO_MANY = Symbol("too many");
type Body = Buffer | typeof TOO_LARGE | typeof TOO_MANY;

/** Bytes of all bodies of which a part is there and a part is not. */
interface Arriving {
  bytes: number;
}

/**
 * Calls back once with the whole body, or never where the client went away before its end. Not a promise: the
 * answer to a review that needs no waiting leaves in the same turn in which its last byte came.
 */
function readBody(incoming: IncomingMessage, arriving: Arriving, done: (body: Body) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  /** The first chunk is not counted: most bodies have no other, and it is small. */
  let counted = 0;
  const giveUp = (why: typeof TOO_LARGE | typeof TOO_MANY) => {
    incoming.removeAllListeners("data");
    incoming.removeAllListeners("end");
    incoming.resume();
    done(why);
  };
  incoming.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) return giveUp(TOO_LARGE);
    if (chunks.push(chunk) === 1) return;
    if (chunks.length === 2) {
      incoming.once("close", () => {
        arriving.bytes -= counted;
      });
    }
    counted += chunk.length;
    arriving.bytes += chunk.length;
    if (arriving.bytes > BODIES_LIMIT_BYTES) giveUp(TOO_MANY);
  });
  incoming.on("end", () => {
    if (!incoming.complete) return;
    done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
  });
  // An aborted upload is an error event of its own; unheard, it would end the process.
  incoming.on("error", () => {});
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
  if (draining || code === 413 || code === 503) headers.connection = "close";
  out.writeHead(code, headers).end(body);
}
