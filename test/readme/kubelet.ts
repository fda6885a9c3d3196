import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { type ControlPlane, expectOk } from "../controlplane/index.ts";

export const NODE = "node-1";

/** As much of a node as `kubectl logs` needs: the API server asks its kubelet for what a container printed. */
export class Kubelet {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(plane: ControlPlane, logOf: (pod: string) => string | undefined): Promise<Kubelet> {
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = createAuthority({ commonName: "kubelet", ...validity });
    const tls = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
    const server = createServer({ key: tls.keyPem, cert: tls.certPem }, (request, response) => {
      const pod = /^\/containerLogs\/[^/]+\/([^/]+)\/manager/.exec(request.url ?? "")?.[1];
      const log = pod === undefined ? undefined : logOf(pod);
      response.writeHead(log === undefined ? 404 : 200, { "content-type": "text/plain" }).end(log);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    expectOk(await plane.call("POST", "/api/v1/nodes", { body: { metadata: { name: NODE }, status } }));
    return new Kubelet(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
