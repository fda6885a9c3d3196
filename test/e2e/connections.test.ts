import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "./objects.ts";
import { Rig, until } from "./rig.ts";

const name = "how the API server connects to a webhook";
const BURST = 40;
/** client-go keeps so many idle connections to one host (transport/cache.go, idleConnsPerHost). */
const KEPT = 25;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let server: Server;
  /** Of each connection. */
  const resumed: boolean[] = [];
  let waiting: (() => void)[] = [];

  before(async () => {
    rig = await Rig.start();
    server = createServer({ ...rig.tls, ALPNProtocols: ["http/1.1"] }, async (request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      waiting.push(() => allow(response, JSON.parse(body).request.uid));
    });
    server.on("secureConnection", (socket) => void resumed.push(socket.isSessionReused()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await rig.register({ target: { url: `https://127.0.0.1:${port}` } });
  });
  after(async () => {
    await rig?.stop();
    server?.closeAllConnections();
    server?.close();
  });

  /** As many claims at once; none is answered before all are asked about. /mutate first, then /validate. */
  async function burst(objects: Objects): Promise<void> {
    const hosts = await Promise.all(
      Array.from({ length: BURST }, (_, index) => objects.getHost(`host-${index}`)),
    );
    const claims = hosts.map((host) => objects.claim(rig.admin, host, "m", { dryRun: true }));
    for (const _webhook of ["/mutate", "/validate"]) {
      await until(() => waiting.length === BURST);
      const answers = waiting;
      waiting = [];
      for (const answer of answers) answer();
    }
    await Promise.all(claims);
  }

  test("bursts open new connections each time, and no TLS session is ever resumed", async () => {
    const objects = await Objects.in(rig.admin, "bursts");
    for (let index = 0; index < BURST; index++) await objects.host(`host-${index}`);
    await burst(objects);
    const first = resumed.length;
    assert.ok(first >= BURST, `${first} connections`);
    await burst(objects);
    assert.ok(resumed.length >= first + BURST - KEPT, `${resumed.length - first} more connections`);
    assert.equal(resumed.some(Boolean), false);
  });
});

function allow(response: ServerResponse, uid: string): void {
  const answer = {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    response: { uid, allowed: true },
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}
