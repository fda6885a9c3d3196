import { Agent, request } from "node:https";
import type { WebhookAnswer, WebhookCaller, WebhookTarget } from "./review.ts";

/** `namespace/name` of a service, and where it really listens. */
export type ServiceTable = Readonly<Record<string, { readonly host: string; readonly port: number }>>;

/** Source: the API server refuses larger answers of webhooks. */
const MAX_ANSWER_BYTES = 3 * 1024 * 1024;

/** Calls webhooks over TLS, keeping connections open between calls. */
export function httpsWebhookCaller(services: ServiceTable = {}): { call: WebhookCaller; close(): void } {
  const agents = new Map<string, Agent>();
  // An agent per bundle: pooled connections must not outlive the trust they were made with.
  const agentFor = (caBundle: string) => {
    let agent = agents.get(caBundle);
    if (agent === undefined) {
      agent = new Agent({ keepAlive: true, ...(caBundle ? { ca: Buffer.from(caBundle, "base64") } : {}) });
      agents.set(caBundle, agent);
    }
    return agent;
  };
  return {
    call: (target, review, signal) =>
      post(agentFor(target.caBundle ?? ""), resolve(target, services), target, review, signal),
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

interface Address {
  /** As error messages name it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly servername: string;
}

function resolve({ name, url, service, timeoutMs }: WebhookTarget, services: ServiceTable): Address {
  const query = `?timeout=${timeoutMs / 1000}s`;
  if (service !== undefined) {
    const real = services[`${service.namespace}/${service.name}`];
    if (real === undefined) throw new Error(`service ${JSON.stringify(service.name)} not found`);
    const servername = `${service.name}.${service.namespace}.svc`;
    const path = (service.path ?? "/") + query;
    return { ...real, path, servername, url: `https://${servername}:${service.port}${path}` };
  }
  if (url === undefined) throw new Error(`webhook ${JSON.stringify(name)} has neither url nor service`);
  const { hostname, port, pathname, host } = new URL(url);
  const bare = hostname.replace(/^\[|\]$/g, "");
  const path = pathname + query;
  return {
    url: `https://${host}${path}`,
    host: bare,
    port: Number(port || 443),
    path,
    servername: isName(bare) ? bare : "",
  };
}

/** Addresses are not sent as server names. */
function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host);
}

function post(
  agent: Agent,
  address: Address,
  target: WebhookTarget,
  review: string,
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  const { url, ...connection } = address;
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(new Error(`Post ${JSON.stringify(url)}: ${inGoWords(error, address)}`, { cause: error }));
    const outgoing = request(
      {
        ...connection,
        method: "POST",
        agent,
        signal,
        headers: {
          accept: "application/json, */*",
          "content-type": "application/json",
          "content-length": Buffer.byteLength(review),
          "user-agent": "kube-apiserver-admission",
        },
      },
      (incoming) => {
        const { "content-type": contentType } = incoming.headers;
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) incoming.destroy(new Error(`answer of ${target.name} is too large`));
          chunks.push(chunk);
        });
        incoming.on("end", () =>
          resolve({
            code: incoming.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            ...(contentType === undefined ? {} : { contentType }),
          }),
        );
        incoming.on("error", fail);
      },
    );
    outgoing.on("error", fail);
    outgoing.end(review);
  });
}

/** The words in which the API server reports the same failure. */
function inGoWords(error: NodeJS.ErrnoException, { host, port }: Address): string {
  if (error.name === "AbortError") return "context deadline exceeded";
  switch (error.code) {
    case "ECONNREFUSED":
      return `dial tcp ${host}:${port}: connect: connection refused`;
    case "ECONNRESET":
      return "EOF";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    default:
      return error.message;
  }
}
