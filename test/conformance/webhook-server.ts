import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import type { Json } from "../controlplane/index.ts";

/** What a hook answers: an AdmissionResponse without its uid, or raw HTTP. */
export type Reply =
  | { readonly allowed: boolean; readonly [field: string]: Json }
  | { readonly http: number; readonly body?: string }
  /** Never answers. */
  | "silence";

export type Hook = (request: Json) => Reply;

export interface WebhookServer {
  readonly caBundle: string;
  url(path: string): string;
  /** Paths without a hook answer 404. */
  hook(path: string, hook: Hook): void;
  /** Every request that came for this path, as the AdmissionReview's `request`, in order. */
  requests(path: string): Json[];
  close(): void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** An admission webhook on a free port, with an authority of its own. */
export async function startWebhookServer(): Promise<WebhookServer> {
  const validity = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };
  const authority = createAuthority({ commonName: "conformance", ...validity });
  const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
  const hooks = new Map<string, Hook>();
  const requests = new Map<string, Json[]>();

  const server: Server = createServer(
    { key: serving.keyPem, cert: serving.certPem },
    async (message, response) => {
      const { pathname } = new URL(message.url ?? "/", "https://host");
      const { apiVersion, kind, request } = JSON.parse(await text(message));
      requests.set(pathname, [...(requests.get(pathname) ?? []), request]);
      const reply: Reply = hooks.get(pathname)?.(request) ?? { http: 404 };
      if (reply === "silence") return;
      if ("http" in reply) {
        response.writeHead(reply.http, { "content-type": "application/json" }).end(reply.body);
        return;
      }
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, ...reply } }));
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    caBundle: Buffer.from(authority.certPem).toString("base64"),
    url: (path) => `https://127.0.0.1:${port}${path}`,
    hook: (path, hook) => void hooks.set(path, hook),
    requests: (path) => requests.get(path) ?? [],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** An AdmissionResponse that lets through what this JSON patch makes. */
export function patched(operations: Json[], more: Json = {}): Reply {
  const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  return { allowed: true, patchType: "JSONPatch", patch, ...more };
}
