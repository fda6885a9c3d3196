import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { type Rig, until } from "./rig.ts";

export interface HoldingOptions {
  /** A mutating one behind ours holds a write between our two reviews, a validating one between them and storage. */
  readonly kind: "mutating" | "validating";
  /** Hosts of this namespace. */
  readonly namespace: string;
  /** CEL; default: writes after which the host names a consumer. */
  readonly condition?: string;
}

/**
 * Somebody else's webhook that takes its time: it allows every write, but not before it is told to. So a write that
 * was admitted here is stored as late as a test wants, up to 30 s (the API server's limit for webhooks).
 */
export class HoldingWebhook {
  readonly #server: Server;
  readonly #rig: Rig;
  readonly #kind: HoldingOptions["kind"];
  readonly #name: string;
  #gate = Promise.withResolvers<void>();
  #probed = 0;
  #held = 0;

  private constructor(rig: Rig, server: Server, options: HoldingOptions) {
    this.#rig = rig;
    this.#server = server;
    this.#kind = options.kind;
    // Mutating webhooks are called in the order of their configurations' names.
    this.#name = `zz-hold-${options.namespace}`;
  }

  /** Resolves when the API server asks it. */
  static async start(rig: Rig, options: HoldingOptions): Promise<HoldingWebhook> {
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = createAuthority({ commonName: "hold", ...validity });
    const tls = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
    const server = createServer({ key: tls.keyPem, cert: tls.certPem });
    const webhook = new HoldingWebhook(rig, server, options);
    server.on("request", async (request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      const { uid, dryRun } = JSON.parse(body).request as { uid: string; dryRun?: boolean };
      if (dryRun) webhook.#probed++;
      else {
        webhook.#held++;
        await webhook.#gate.promise;
      }
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
    // A test that fails before it stops this must not keep the whole run waiting.
    server.unref();
    await webhook.#register(authority.certPem, options);
    return webhook;
  }

  /** Writes it has been asked about since it was started, dry runs aside. */
  get held(): number {
    return this.#held;
  }

  /** Lets go what it holds, and whatever comes. */
  release(): void {
    this.#gate.resolve();
  }

  /** Holds what comes from now on. */
  holdAgain(): void {
    this.#gate = Promise.withResolvers();
  }

  async stop(): Promise<void> {
    this.release();
    await this.#rig.admin.delete(this.#type, { name: this.#name });
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #type() {
    return this.#kind === "mutating" ? MUTATING_WEBHOOK_CONFIGURATIONS : VALIDATING_WEBHOOK_CONFIGURATIONS;
  }

  async #register(caPem: string, { namespace, condition }: HoldingOptions): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    const { group, version, kind } = this.#type;
    const wanted = condition ?? "has(object.spec.consumerRef)";
    await this.#rig.admin.create(this.#type, {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name: this.#name },
      webhooks: [
        {
          name: "hold.example.com",
          admissionReviewVersions: ["v1"],
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(caPem).toString("base64"),
          },
          rules: [
            {
              apiGroups: ["infrastructure.cluster.x-k8s.io"],
              apiVersions: ["*"],
              resources: ["physicalhosts"],
              operations: ["UPDATE", "CREATE"],
            },
          ],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          matchConditions: [
            { name: "wanted", expression: `request.operation == 'CREATE' ? request.dryRun : (${wanted})` },
          ],
          sideEffects: "None",
          timeoutSeconds: 30,
        },
      ],
    });
    const probe = {
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
      kind: "PhysicalHost",
      metadata: { name: "probe", namespace },
      spec: { redfishConnection: { address: "https://probe.example", credentialsSecretRef: "probe" } },
    };
    const path = `/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/${namespace}/physicalhosts?dryRun=All`;
    await until(async () => {
      await this.#rig.plane.call("POST", path, { body: probe });
      return this.#probed > 0;
    });
  }
}
