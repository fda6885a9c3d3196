import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServing } from "../../certs/x509.ts";

export interface RecordingWebhook {
  readonly url: string;
  readonly caPem: string;
  /** "PATH NAME" of each review since the last call, in order. */
  take(): string[];
  close(): void;
}

/** A webhook server that allows everything and remembers what it was asked. */
export async function startRecordingWebhook(): Promise<RecordingWebhook> {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const authority = createAuthority({ commonName: "test", ...validity });
  const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
  let reviews: string[] = [];
  const server = createServer({ key: serving.keyPem, cert: serving.certPem }, async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { uid, name } = JSON.parse(body).request;
    reviews.push(`${new URL(request.url ?? "", "https://x").pathname} ${name}`);
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid, allowed: true },
      }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caPem: authority.certPem,
    take() {
      const taken = reviews;
      reviews = [];
      return taken;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
