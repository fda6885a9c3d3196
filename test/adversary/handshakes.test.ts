import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as secureConnect } from "node:tls";
import { issueServing } from "../../certs/x509.ts";
import { agreedVersion, BEGUN_HANDSHAKE, REFUSED_VERSION } from "./agreed-version.ts";
import { authority, ReviewDoor } from "./door.ts";

/** The people's door has the same in test/ops/server.test.ts. */
describe("a handshake with the API server's door", { timeout: 30_000 }, () => {
  let door: ReviewDoor;
  before(async () => {
    door = await ReviewDoor.open({ webhookTimeoutMs: 1_000 });
  });
  after(() => door.close());
  const port = () => door.server.address.port;

  test("settles on TLS 1.2 or later, with the first certificate or a later one", async () => {
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const { keyPem, certPem } = issueServing(authority, {
      dnsNames: [],
      ipAddresses: ["127.0.0.1"],
      ...validity,
    });
    for (const renew of [() => {}, () => door.server.setTls({ key: keyPem, cert: certPem })]) {
      renew();
      assert.equal(await agreedVersion(port(), authority.certPem, "TLSv1.1"), REFUSED_VERSION);
      assert.equal(await agreedVersion(port(), authority.certPem, "TLSv1.2"), "TLSv1.2");
    }
  });

  test("settles on HTTP/1.1, and on nothing with a client that speaks HTTP/2 only", async () => {
    const protocolOf = async (...ALPNProtocols: string[]) => {
      const to = { port: port(), host: "127.0.0.1", ca: authority.certPem, ALPNProtocols };
      const socket = secureConnect(to);
      try {
        await once(socket, "secureConnect");
        return socket.alpnProtocol;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      } finally {
        socket.destroy();
      }
    };
    assert.equal(await protocolOf("h2", "http/1.1"), "http/1.1");
    assert.equal(await protocolOf("h2"), "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });

  test("that is begun and not ended is given up", async () => {
    const socket = connect(port(), "127.0.0.1");
    socket.write(BEGUN_HANDSHAKE);
    socket.resume();
    await once(socket, "close");
  });
});
