import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { type ConnectionOptions, connect, type SecureVersion } from "node:tls";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { startWebhookServer, type WebhookServer } from "../../webhooks/server.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = createAuthority({ commonName: "test", ...validity });

function newPair(commonName: string) {
  const names = { dnsNames: [], ipAddresses: ["127.0.0.1"], commonName };
  const { keyPem, certPem } = issueServing(authority, { ...names, ...validity });
  return { key: keyPem, cert: certPem };
}

async function serve(t: TestContext, tls: Parameters<typeof startWebhookServer>[1]["tls"]) {
  const server = await startWebhookServer(
    { host: "127.0.0.1", port: 0 },
    {
      routes: {},
      fallback: (_request, response) => void response.end("ok"),
      tls,
      webhookTimeoutMs: 10_000,
      maxInflightReviews: 1,
      clock: systemClock,
      log: silentLog,
      onFailure: () => ({ allowed: true }),
    },
  );
  t.after(() => server.close(0));
  return server;
}

/** One connection, with a request on it: whether a session was resumed, the server's name, and the session to resume. */
async function ask({ address }: WebhookServer, options: ConnectionOptions) {
  const socket = connect({ port: address.port, host: "127.0.0.1", ca: authority.certPem, ...options });
  let session: Buffer | undefined;
  socket.on("session", (latest) => {
    session = latest;
  });
  await once(socket, "secureConnect");
  const resumed = socket.isSessionReused();
  const name = socket.getPeerCertificate().subject?.CN;
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(socket, "close");
  return { resumed, name, session, heard: text.startsWith("HTTP/1.1 200") };
}

for (const version of ["TLSv1.2", "TLSv1.3"] satisfies SecureVersion[]) {
  const only = { minVersion: version, maxVersion: version };

  describe(`a ${version} session`, () => {
    test("is resumed by whoever kept its ticket", async (t) => {
      const server = await serve(t, newPair("first"));
      const { resumed, session } = await ask(server, only);
      assert.equal(resumed, false);
      assert.ok(session);
      assert.deepEqual((await ask(server, { ...only, session })).resumed, true);
    });

    test("of a certificate that was replaced is not: a whole handshake shows the new one", async (t) => {
      const server = await serve(t, newPair("first"));
      const { session } = await ask(server, only);
      server.setTls(newPair("second"));
      const after = await ask(server, { ...only, session });
      assert.deepEqual([after.resumed, after.name, after.heard], [false, "second", true]);
      assert.equal((await ask(server, { ...only, session: after.session })).resumed, true);
    });

    test("of one replica is a whole handshake at another, which goes well", async (t) => {
      const [one, other] = [await serve(t, newPair("one")), await serve(t, newPair("other"))];
      const { session } = await ask(one, only);
      const there = await ask(other, { ...only, session });
      assert.deepEqual([there.resumed, there.name, there.heard], [false, "other", true]);
    });

    test("of a client that is no longer trusted opens nothing", async (t) => {
      // An authority's own certificate is one that it vouches for, and not made for servers alone.
      const client = createAuthority({ commonName: "client", ...validity });
      const identity = { cert: client.certPem, key: client.keyPem };
      const pair = newPair("first");
      const server = await serve(t, { ...pair, ca: client.certPem, requestCert: true });
      const before = await ask(server, { ...only, ...identity });
      assert.equal(before.heard, true);
      const again = await ask(server, { ...only, ...identity, session: before.session });
      assert.deepEqual([again.resumed, again.heard], [true, true]);
      server.setTls({ ...pair, ca: createAuthority({ commonName: "another", ...validity }).certPem });
      const after = ask(server, { ...only, ...identity, session: again.session });
      // TLS 1.3 tells the client after its own handshake.
      assert.notEqual(await after.then(({ heard }) => heard).catch(() => "refused"), true);
    });
  });
}
