import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Clock } from "../clock.ts";
import { abortable } from "./abortable.ts";
import type { KubeStatus } from "./api.ts";
import type { Connection, Credentials } from "./credentials.ts";
import { KubeError } from "./errors.ts";
import { LineSplitter } from "./lines.ts";

export interface HttpCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, below the server's URL. */
  path: string;
  body?: unknown;
  /** Default application/json. */
  contentType?: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  /** The API server's URL; may have a path of its own. */
  server: string;
  credentials: Credentials;
  clock: Clock;
  userAgent: string;
}

/** HTTP to one API server: deadlines, credentials, and every failure as a KubeError. */
export class Transport {
  readonly #base: URL;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = new URL(options.server);
  }

  /** The parsed answer; `timeoutMs` covers all of it. */
  json(call: HttpCall): Promise<unknown> {
    return this.#within(call, async (signal) => {
      const text = await readText(await this.#open(call, signal));
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new KubeError("KUBE_TRANSPORT", `${describe(call)}: the answer is not JSON`, { cause });
      }
    });
  }

  /**
   * Hands over each line of an answer that goes on and on. `timeoutMs` covers only its beginning, up to
   * `onOpen`; after that it runs until the server ends it (resolves), it breaks or it is aborted (rejects).
   */
  lines(call: HttpCall, onLine: (line: string) => void, onOpen: () => void): Promise<void> {
    return this.#within(call, async (signal, stopTimer) => {
      const response = await this.#open(call, signal);
      stopTimer();
      onOpen();
      const splitter = new LineSplitter(onLine);
      for await (const chunk of response) splitter.push(chunk);
      splitter.end();
    });
  }

  async #within<R>(
    call: HttpCall,
    run: (signal: AbortSignal, stopTimer: () => void) => Promise<R>,
  ): Promise<R> {
    const abort = new AbortController();
    const onAbort = () =>
      abort.abort(
        new KubeError("KUBE_ABORTED", `${describe(call)}: aborted`, { cause: call.signal?.reason }),
      );
    const timer = this.#options.clock.schedule(call.timeoutMs, () =>
      abort.abort(new KubeError("KUBE_TIMEOUT", `${describe(call)}: no answer within ${call.timeoutMs} ms`)),
    );
    call.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (call.signal?.aborted) onAbort();
      return await run(abort.signal, () => timer.cancel());
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      if (error instanceof KubeError) throw error;
      throw new KubeError("KUBE_TRANSPORT", `${describe(call)}: ${reasonOf(error)}`, { cause: error });
    } finally {
      timer.cancel();
      call.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Resolves with a 2xx answer whose body is yet to be read. */
  async #open(call: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
    let connection = await abortable(this.#options.credentials.connection(), signal);
    let response = await this.#sendOnLiveSocket(call, connection, signal);
    if (response.statusCode === 401) {
      response.resume();
      connection = await abortable(this.#options.credentials.renew(connection), signal);
      response = await this.#sendOnLiveSocket(call, connection, signal);
    }
    const code = response.statusCode ?? 0;
    if (code >= 200 && code < 300) return response;
    throw refusal(call, response, await readText(response));
  }

  /** A kept socket may have been closed by the server just now; a read can simply be asked again on a new one. */
  async #sendOnLiveSocket(call: HttpCall, connection: Connection, signal: AbortSignal) {
    for (;;) {
      const { request, response } = this.#send(call, connection, signal);
      try {
        return await response;
      } catch (error) {
        if (call.method !== "GET" || !request.reusedSocket || signal.aborted) throw error;
      }
    }
  }

  #send(
    call: HttpCall,
    connection: Connection,
    signal: AbortSignal,
  ): { request: ClientRequest; response: Promise<IncomingMessage> } {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request = (this.#base.protocol === "http:" ? requestHttp : requestHttps)({
      protocol: this.#base.protocol,
      hostname: this.#base.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: this.#base.port,
      path: this.#base.pathname.replace(/\/$/, "") + call.path,
      method: call.method,
      agent: connection.agent,
      auth: connection.auth,
      signal,
      headers: {
        ...connection.headers,
        accept: "application/json",
        "user-agent": this.#options.userAgent,
        ...(body && {
          "content-type": call.contentType ?? "application/json",
          "content-length": body.length,
        }),
      },
    });
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.on("response", resolve);
      request.on("error", reject);
    });
    request.end(body);
    return { request, response };
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The server's Status; made up from the HTTP code where a proxy, or an unknown API path, answers plain text. */
function refusal(call: HttpCall, response: IncomingMessage, body: string): KubeError {
  const code = response.statusCode ?? 0;
  const status = parseStatus(body) ?? {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: body.trim().slice(0, 200) || (response.statusMessage ?? ""),
    code,
  };
  const retryAfter = response.headers["retry-after"];
  return new KubeError(
    "KUBE_STATUS",
    `${describe(call)}: ${code} ${status.reason ?? ""}: ${status.message ?? ""}`,
    {
      status: { ...status, code: status.code ?? code },
      ...(retryAfter !== undefined && /^\d+$/.test(retryAfter) && { retryAfterSeconds: Number(retryAfter) }),
    },
  );
}

function parseStatus(body: string): KubeStatus | undefined {
  try {
    const parsed = JSON.parse(body);
    return parsed?.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function describe(call: HttpCall): string {
  return `${call.method} ${call.path.split("?", 1)[0]}`;
}

/** Connecting to a name with several addresses fails with an AggregateError that has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
