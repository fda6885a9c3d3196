import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { BODIES_LIMIT_BYTES, BODY_LIMIT_BYTES } from "../../webhooks/server.ts";
import { authority, ReviewDoor } from "./door.ts";
import { reviewOf } from "./reviews.ts";

const WHOLE = JSON.stringify(reviewOf());

describe("an upload", { timeout: 30_000 }, () => {
  let door: ReviewDoor;
  before(async () => {
    door = await ReviewDoor.open({ webhookTimeoutMs: 1_000 });
  });
  after(() => door.close());

  async function open(): Promise<TLSSocket> {
    const socket = connect({ port: door.server.address.port, host: "127.0.0.1", ca: authority.certPem });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    // A server that ends the connection while we still send is what is wanted here.
    socket.on("error", () => {});
    return socket;
  }
  const head = (lines: string) => `POST /mutate HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n`;

  /** The status line of the answer; "" where the connection ends without one. */
  function statusOf(socket: TLSSocket): Promise<string> {
    return new Promise((resolve) => {
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text.split("\r\n")[0] ?? ""));
    });
  }

  test("that never ends is cut off, and so are headers that never do", async () => {
    for (const beginning of [
      head(`Content-Length: ${WHOLE.length}`) + WHOLE.slice(0, 100),
      "POST /mutate HTTP/1.1\r\nHost: x",
    ]) {
      const socket = await open();
      const status = statusOf(socket);
      socket.write(beginning);
      assert.match(await status, /^(HTTP\/1\.1 408 .*)?$/);
    }
    assert.equal((await door.post(WHOLE)).status, 200);
  });

  test("of which two lengths are told is refused: nothing can be smuggled behind it", async () => {
    const smuggled = [
      `Content-Length: 5\r\nTransfer-Encoding: chunked`,
      `Content-Length: 5\r\nContent-Length: 6`,
      `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity`,
      `Content-Length: -1`,
      `Transfer-Encoding : chunked`,
    ];
    for (const lines of smuggled) {
      const socket = await open();
      const status = statusOf(socket);
      socket.end(`${head(`${lines}\r\nConnection: close`)}0\r\n\r\n`);
      assert.match(await status, /^HTTP\/1\.1 400 /, lines);
    }
  });

  test("in chunks has the same limit as one whose length is told", async () => {
    const socket = await open();
    const status = statusOf(socket);
    const chunk = "x".repeat(BODY_LIMIT_BYTES + 1);
    socket.write(head("Transfer-Encoding: chunked"));
    socket.end(`${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`);
    assert.match(await status, /^HTTP\/1\.1 413 /);
  });

  test("finds no room beside too many others that were begun, and room again when they are gone", async () => {
    const patient = await ReviewDoor.open({ webhookTimeoutMs: 30_000 });
    const part = Buffer.alloc(BODY_LIMIT_BYTES - 1024, " ");
    const answers: { socket: TLSSocket; status: Promise<string> }[] = [];
    for (let index = 0; index <= BODIES_LIMIT_BYTES / BODY_LIMIT_BYTES + 1; index++) {
      const socket = connect({ port: patient.server.address.port, host: "127.0.0.1", ca: authority.certPem });
      socket.on("error", () => {});
      answers.push({ socket, status: statusOf(socket) });
      socket.write(head(`Content-Length: ${BODY_LIMIT_BYTES}`));
      socket.write(part);
    }
    assert.match(await Promise.race(answers.map(({ status }) => status)), /^HTTP\/1\.1 503 /);
    for (const { socket } of answers) socket.destroy();
    await Promise.all(answers.map(({ status }) => status));
    assert.equal((await patient.post(WHOLE.padEnd(BODY_LIMIT_BYTES - 1024))).status, 200);
    await patient.close();
  });
});

test("without the API server's certificate nobody posts a review, where one is asked for", async (t) => {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const issue = (by: ReturnType<typeof createAuthority>) =>
    issueServing(by, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
  const own = issue(authority);
  const stranger = issue(createAuthority({ commonName: "stranger", ...validity }));
  const door = await ReviewDoor.open({
    tls: { key: own.keyPem, cert: own.certPem, ca: authority.certPem, requestCert: true },
  });
  const post = (pair: { key: string; cert: string } | undefined) =>
    new Promise<string>((resolve) => {
      const { port } = door.server.address;
      const socket = connect({ port, host: "127.0.0.1", ca: authority.certPem, ...pair });
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", (error) => {
        text += error.message;
      });
      socket.on("close", () => resolve(text));
      socket.write(
        `POST /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${WHOLE.length}\r\n\r\n${WHOLE}`,
      );
    });
  t.after(() => door.close());
  assert.match(await post(undefined), /alert certificate required/);
  assert.equal(await post({ key: stranger.keyPem, cert: stranger.certPem }), "");
  // Of the right authority, but made for servers.
  assert.equal(await post({ key: own.keyPem, cert: own.certPem }), "");
});
