import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { PHYSICAL_HOSTS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";

/**
 * Somebody else's validating webhook on hosts of one namespace. It holds the first claim that it is asked about, so
 * that a write which everybody has admitted waits before storage, and lets everything else through.
 */
export class HoldingWebhook {
  /** Resolves when a claim is held. */
  readonly held = Promise.withResolvers<void>();
  readonly #release = Promise.withResolvers<void>();
  readonly #server: ReturnType<typeof createServer>;
  readonly #caPem: string;
  #reviews = 0;
  #holding = false;

  constructor() {
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = createAuthority({ commonName: "holding", ...validity });
    const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
    this.#caPem = authority.certPem;
    this.#server = createServer({ key: serving.keyPem, cert: serving.certPem }, async (message, response) => {
      const { apiVersion, kind, request } = JSON.parse(await text(message));
      this.#reviews++;
      if (request.object.spec.consumerRef && !this.#holding) {
        this.#holding = true;
        this.held.resolve();
        await this.#release.promise;
      }
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, allowed: true } }));
    });
  }

  /** Resolves when the API server asks it; `host` is one on which that can be tried. */
  async register(api: KubeClient, namespace: string, host: string): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    await api.create(VALIDATING_WEBHOOK_CONFIGURATIONS, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "holding" },
      webhooks: [
        {
          name: "holding.example.com",
          clientConfig: {
            url: `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`,
            caBundle: Buffer.from(this.#caPem).toString("base64"),
          },
          rules: [
            {
              apiGroups: [PHYSICAL_HOSTS.group],
              apiVersions: ["*"],
              resources: [PHYSICAL_HOSTS.plural],
              operations: ["UPDATE"],
            },
          ],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
          timeoutSeconds: 30,
        },
      ],
    });
    for (let i = 0; this.#reviews === 0; i++) {
      const body = { metadata: { labels: { probe: String(i) } } };
      await api.patch(PHYSICAL_HOSTS, { namespace, name: host }, { type: "merge", body });
    }
  }

  /** Lets the held claim through. */
  release(): void {
    this.#release.resolve();
  }

  close(): void {
    this.release();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
