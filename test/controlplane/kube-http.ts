import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";

/** An answer as it came over the wire: exact status, headers and body. */
export interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The parsed body; throws when it isn't JSON. */
  json<T = Json>(): T;
}

/** A JSON object whose shape a test knows better than the type checker. */
// biome-ignore lint/suspicious/noExplicitAny: raw bodies are compared whole; typing each would only repeat them.
export type Json = any;

export interface CallExtras {
  /** Sent as JSON; a string goes as it is. */
  readonly body?: unknown;
  /** Default application/json. */
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
  /** Bearer token; default: the caller's own. `null` sends none. */
  readonly token?: string | null;
}

export interface KubeHttp {
  (method: string, path: string, extras?: CallExtras): Promise<Answer>;
  /** As the call, but resolves with the headers there and the body still open: watches. */
  open(method: string, path: string, extras?: CallExtras): Promise<IncomingMessage>;
  /** Closes idle and busy connections. */
  close(): void;
}

/** Speaks to a server of which nothing is known but its URL and authority: no client library in between. */
export function createKubeHttp(server: { url: string; caPem?: string; token?: string }): KubeHttp {
  const tls = server.url.startsWith("https:");
  const agent = tls ? new Agent({ keepAlive: true, ca: server.caPem }) : new PlainAgent({ keepAlive: true });
  const send = tls ? request : plainRequest;

  function open(method: string, path: string, extras: CallExtras = {}): Promise<IncomingMessage> {
    const token = extras.token === undefined ? server.token : extras.token;
    const body = typeof extras.body === "string" ? extras.body : JSON.stringify(extras.body);
    const headers: Record<string, string> = { accept: "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) {
      headers["content-type"] = extras.contentType ?? "application/json";
      headers["content-length"] = String(Buffer.byteLength(body));
    }
    Object.assign(headers, extras.headers);
    return new Promise((resolve, reject) => {
      send(`${server.url}${path}`, { method, headers, agent }, resolve).once("error", reject).end(body);
    });
  }

  async function call(method: string, path: string, extras?: CallExtras): Promise<Answer> {
    const message = await open(method, path, extras);
    message.setEncoding("utf8");
    let text = "";
    for await (const chunk of message) text += chunk;
    return {
      code: message.statusCode ?? 0,
      headers: message.headers,
      text,
      json: () => JSON.parse(text),
    };
  }

  return Object.assign(call, { open, close: () => agent.destroy() });
}

/** The parsed body of a successful answer; anything else is an error that shows what came. */
export function expectOk(answer: Answer): Json {
  if (answer.code < 200 || answer.code > 299) throw new Error(`HTTP ${answer.code}: ${answer.text}`);
  return answer.json();
}
