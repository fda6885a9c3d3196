import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get as httpGet, type IncomingMessage, type RequestListener } from "node:http";
import { get as httpsGet } from "node:https";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { type CertifiedKey, createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { type OpsServer, type OpsServerOptions, startOpsServer } from "../../src/ops/server.ts";
import { agreedVersion, BEGUN_HANDSHAKE, REFUSED_VERSION } from "../adversary/agreed-version.ts";

const opened: OpsServer[] = [];
after(() => Promise.all(opened.map((server) => server.close(0))));

const hello: RequestListener = (_, response) => response.end("hello");

async function serve(
  app: RequestListener = hello,
  options: Partial<OpsServerOptions> = {},
): Promise<OpsServer> {
  const address = { host: "127.0.0.1", port: 0 };
  const server = await startOpsServer({
    app,
    address,
    tls: null,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  opened.push(server);
  return server;
}

describe("closing", () => {
  it("waits for the answer under way, then ends at once although the connection is kept alive", async () => {
    const started = Promise.withResolvers<() => void>();
    const server = await serve((_, response) => started.resolve(() => response.end("done")));
    const agent = new Agent({ keepAlive: true });
    const request = httpGet({ agent, host: "127.0.0.1", port: server.address.port });
    const answer = await started.promise;
    const closed = server.close(60_000);
    answer();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.resume();
    await closed;
    agent.destroy();
  });

  it("cuts off a stream that is still open after the grace period", async () => {
    const server = await serve((_, response) => void response.write("first"));
    const response = await fetch(`http://127.0.0.1:${server.address.port}/`);
    await server.close(1);
    await assert.rejects(response.text());
  });

  it("may be asked for twice", async () => {
    const server = await serve();
    await Promise.all([server.close(1_000), server.close(1_000)]);
  });
});

describe("a client that", () => {
  const stalls: [fact: string, sends: string][] = [
    ["connects and says nothing", ""],
    ["stops within its headers", "GET / HTTP/1.1\r\nHost: x\r\n"],
    ["promises a body and never sends it", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"],
  ];
  for (const [fact, sends] of stalls) {
    it(`${fact} is let go`, async () => {
      const server = await serve((request) => void request.resume(), { requestTimeoutMs: 20 });
      const socket = connect(server.address.port, "127.0.0.1");
      socket.write(sends);
      socket.resume();
      await once(socket, "close");
    });
  }
});

describe("over TLS", () => {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const authority = createAuthority({ commonName: "test", ...validity });
  const pair = () =>
    issueServing(authority, { dnsNames: ["ops.example"], ipAddresses: ["127.0.0.1"], ...validity });
  const context = ({ keyPem, certPem }: CertifiedKey) => ({ key: keyPem, cert: certPem });

  async function fingerprint(server: OpsServer): Promise<string> {
    const request = httpsGet({
      host: "127.0.0.1",
      port: server.address.port,
      ca: authority.certPem,
      agent: false,
    });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    return (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
  }

  it("a new certificate is served to new connections without a restart, and a bad one changes nothing", async () => {
    const server = await serve(hello, { tls: context(pair()) });
    const before = await fingerprint(server);
    server.setTls(context(pair()));
    const renewed = await fingerprint(server);
    assert.notEqual(renewed, before);
    assert.throws(() => server.setTls({ key: "no key", cert: "no certificate" }));
    assert.throws(
      () => server.setTls({ key: pair().keyPem, cert: pair().certPem }),
      "a key of another certificate",
    );
    assert.equal(await fingerprint(server), renewed);
  });

  it("no version older than 1.2 is spoken, with the first certificate or a later one", async () => {
    const server = await serve(hello, { tls: context(pair()) });
    for (const renew of [() => {}, () => server.setTls(context(pair()))]) {
      renew();
      assert.equal(await agreedVersion(server.address.port, authority.certPem, "TLSv1.1"), REFUSED_VERSION);
      assert.equal(await agreedVersion(server.address.port, authority.certPem, "TLSv1.2"), "TLSv1.2");
    }
  });

  it("whoever begins a handshake and never ends it is let go", { timeout: 30_000 }, async () => {
    const server = await serve(hello, { tls: context(pair()), requestTimeoutMs: 20 });
    const socket = connect(server.address.port, "127.0.0.1");
    socket.write(BEGUN_HANDSHAKE);
    socket.resume();
    await once(socket, "close");
  });

  it("a server of plain HTTP takes no certificate", async () => {
    const server = await serve();
    assert.throws(() => server.setTls(context(pair())), TypeError);
  });
});

it("refuses to begin on a port that is taken", async () => {
  const { port } = (await serve()).address;
  await assert.rejects(serve(hello, { address: { host: "127.0.0.1", port } }), { code: "EADDRINUSE" });
});
