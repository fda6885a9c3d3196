import assert from "node:assert/strict";
import { Agent, type RequestOptions, request } from "node:https";
import { after, before, beforeEach, describe, test } from "node:test";
import { connect } from "node:tls";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import type { ReviewFailure, ReviewHandler } from "../../webhooks/review.ts";
import { BODY_LIMIT_BYTES, startWebhookServer, type WebhookServer } from "../../webhooks/server.ts";
import { physicalHost } from "../fixtures/objects.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = createAuthority({ commonName: "test", ...validity });
const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
const TLS = { key: serving.keyPem, cert: serving.certPem };

function body(uid = "review-1"): string {
  const host = physicalHost({ name: "host-1" });
  const resource = { group: "g", version: "v1", resource: "physicalhosts" };
  const review = { uid, operation: "UPDATE", resource, userInfo: {}, object: host, oldObject: host };
  return JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: review });
}

describe("the API server's door", () => {
  let server: WebhookServer;
  let handler: ReviewHandler;
  let failures: ReviewFailure["code"][];
  let tookMs = 0;
  const agent = new Agent({ ca: authority.certPem, keepAlive: true });

  before(async () => {
    server = await startWebhookServer(
      { host: "127.0.0.1", port: 0 },
      {
        routes: { "/mutate": (review, signal) => handler(review, signal) },
        fallback: (_request, response) => void response.writeHead(404).end("elsewhere"),
        tls: TLS,
        webhookTimeoutMs: 10_000,
        maxInflightReviews: 2,
        clock: systemClock,
        log: silentLog,
        onFailure: (_route, _review, failure) => {
          failures.push(failure.code);
          if ("tookMs" in failure) tookMs = failure.tookMs;
          return { allowed: false, status: refusal(failure.code) };
        },
      },
    );
  });
  beforeEach(() => {
    failures = [];
    handler = () => ({ allowed: true });
  });
  after(async () => {
    agent.destroy();
    await server.close(0);
  });

  function send(text: string, options: RequestOptions = {}) {
    return new Promise<{ code: number; text: string; connection: string | undefined }>((resolve, reject) => {
      const { port } = server.address;
      const call = request(
        { agent, host: "127.0.0.1", port, path: "/mutate", method: "POST", ...options },
        (answer) => {
          let received = "";
          answer.setEncoding("utf8").on("data", (chunk) => {
            received += chunk;
          });
          const { connection } = answer.headers;
          answer.on("end", () => resolve({ code: answer.statusCode ?? 0, text: received, connection }));
        },
      );
      call.on("error", reject);
      call.end(text);
    });
  }
  const answered = async (text: string) => JSON.parse((await send(text)).text).response;

  test("answers a review with its uid", async () => {
    assert.deepEqual(await answered(body("abc")), { uid: "abc", allowed: true });
  });

  test("answers a handler that throws, or rejects, with a verdict and not with a broken connection", async () => {
    handler = () => {
      throw new Error("a bug");
    };
    assert.equal((await answered(body())).status.message, "Internal");
    handler = async () => {
      throw new Error("a late bug");
    };
    assert.equal((await answered(body())).status.message, "Internal");
    assert.deepEqual(failures, ["Internal", "Internal"]);
    assert.equal(server.inflight(), 0);
  });

  test("answers what is late within half of the caller's timeout, and tells the handler to give up", async () => {
    const gaveUp = Promise.withResolvers<void>();
    handler = (_review, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          gaveUp.resolve();
          resolve({ allowed: true });
        });
      });
    const { text } = await send(body(), { path: "/mutate?timeout=1s" });
    assert.equal(JSON.parse(text).response.status.message, "DeadlineExceeded");
    assert.ok(tookMs > 0, "how long it was tried is told");
    await gaveUp.promise;
  });

  test("refuses early, not late, what it can't take on", async () => {
    const gate = Promise.withResolvers<{ allowed: boolean }>();
    let started = 0;
    const both = Promise.withResolvers<void>();
    handler = () => {
      if (++started === 2) both.resolve();
      return gate.promise;
    };
    const first = [send(body("1")), send(body("2"))];
    await both.promise;
    assert.equal((await answered(body("3"))).status.message, "Overloaded");
    gate.resolve({ allowed: true });
    for (const answer of await Promise.all(first))
      assert.equal(JSON.parse(answer.text).response.allowed, true);
  });

  test("says 400 to what is no review, and a verdict to one that is malformed", async () => {
    assert.equal((await send("nonsense")).code, 400);
    const malformed = JSON.stringify({ request: { uid: "u-1" } });
    assert.equal((await answered(malformed)).uid, "u-1");
  });

  test("refuses a body over the limit and ends that connection", async () => {
    const answer = await send("x".repeat(BODY_LIMIT_BYTES + 1), { agent: false, ca: authority.certPem });
    assert.deepEqual([answer.code, answer.connection], [413, "close"]);
  });

  test("takes reviews by POST only, and leaves other paths to others", async () => {
    assert.equal((await send("", { method: "GET" })).code, 405);
    assert.deepEqual(await send("", { path: "/other" }).then(({ code, text }) => [code, text]), [
      404,
      "elsewhere",
    ]);
    assert.equal((await send("", { path: "/__proto__" })).code, 404);
  });

  test("survives a client that goes away in the middle of its body", async () => {
    const { port } = server.address;
    const socket = connect({ port, host: "127.0.0.1", ca: authority.certPem });
    await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
    socket.write("POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{");
    await new Promise<void>((resolve) => socket.end(() => resolve()));
    socket.destroy();
    assert.equal((await answered(body("after"))).uid, "after");
    assert.deepEqual(failures, []);
  });

  test("serves another certificate from the next connection on; a bad pair changes nothing", async () => {
    const other = issueServing(authority, {
      dnsNames: [],
      ipAddresses: ["127.0.0.1"],
      commonName: "other",
      ...validity,
    });
    const subject = () =>
      new Promise<string>((resolve) => {
        const socket = connect(
          { port: server.address.port, host: "127.0.0.1", ca: authority.certPem },
          () => {
            resolve(String(socket.getPeerCertificate().subject.CN));
            socket.destroy();
          },
        );
      });
    server.setTls({ key: other.keyPem, cert: other.certPem });
    assert.equal(await subject(), "other");
    assert.throws(() => server.setTls({ key: "nonsense", cert: other.certPem }));
    assert.equal(await subject(), "other");
    server.setTls(TLS);
  });
});

test("closing answers the reviews under way, tells clients to go elsewhere, and ends", async () => {
  const gate = Promise.withResolvers<{ allowed: boolean }>();
  const started = Promise.withResolvers<void>();
  const server = await startWebhookServer(
    { host: "127.0.0.1", port: 0 },
    {
      routes: {
        "/validate": () => {
          started.resolve();
          return gate.promise;
        },
      },
      fallback: () => {},
      tls: TLS,
      webhookTimeoutMs: 10_000,
      maxInflightReviews: 10,
      clock: systemClock,
      log: silentLog,
      onFailure: (_route, _review, failure) => ({ allowed: false, status: refusal(failure.code) }),
    },
  );
  const agent = new Agent({ ca: authority.certPem, keepAlive: true });
  const { port } = server.address;
  const answered = new Promise<string | undefined>((resolve, reject) => {
    const call = request({ agent, host: "127.0.0.1", port, path: "/validate", method: "POST" }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.headers.connection));
    });
    call.on("error", reject);
    call.end(body());
  });
  await started.promise;
  const closed = server.close(5_000);
  gate.resolve({ allowed: true });
  assert.equal(await answered, "close");
  await closed;
  agent.destroy();
});

function refusal(message: string) {
  return { code: 409 as const, reason: "Conflict" as const, message, details: { causes: [] } };
}
