import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import { Router } from "express";
import { Counter, Registry } from "prom-client";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { createHealthApp, createOpsApp, type OpsAppOptions } from "../../src/ops/app.ts";
import { pageSecurityHeaders } from "../../src/ops/headers.ts";
import type { HealthCheck } from "../../src/ops/health.ts";
import { type OpsServer, startOpsServer } from "../../src/ops/server.ts";
import { RecordingLog } from "../support/recording-log.ts";

const opened: OpsServer[] = [];
after(() => Promise.all(opened.map((server) => server.close(0))));

async function serve(app: ReturnType<typeof createOpsApp>): Promise<{ url: string; server: OpsServer }> {
  const address = { host: "127.0.0.1", port: 0 };
  const server = await startOpsServer({ app, address, tls: null, clock: systemClock, log: silentLog });
  opened.push(server);
  return { url: `http://127.0.0.1:${server.address.port}`, server };
}

function opsApp(options: Partial<OpsAppOptions> = {}) {
  return createOpsApp({
    registry: new Registry(),
    metricsGuard: null,
    routes: [],
    log: silentLog,
    ...options,
  });
}

const check = (name: string, ok: boolean, why = ""): HealthCheck => ({ name, check: () => ({ ok, why }) });

describe("health", () => {
  it("readiness is 503 while one check fails, and tells each with its reason", async () => {
    const ready = [check("mirror", true), check("certificate", false, "it expired 3m ago")];
    const { url } = await serve(createHealthApp({ live: [], ready }, silentLog));
    const response = await fetch(`${url}/readyz`);
    assert.equal(response.status, 503);
    const want = "[+]mirror ok\n[-]certificate failed: it expired 3m ago\nreadyz check failed\n";
    assert.equal(await response.text(), want);
  });

  it("liveness is another question than readiness, under both of its names", async () => {
    const { url } = await serve(
      createHealthApp({ live: [check("loop", true)], ready: [check("x", false)] }, silentLog),
    );
    for (const path of ["livez", "healthz"]) {
      const response = await fetch(`${url}/${path}`);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), `[+]loop ok\n${path} check passed\n`);
    }
  });

  it("who asks for JSON gets it", async () => {
    const { url } = await serve(
      createHealthApp({ live: [], ready: [check("mirror", true, "synced")] }, silentLog),
    );
    const response = await fetch(`${url}/readyz`, { headers: { accept: "application/json" } });
    assert.deepEqual(await response.json(), {
      ok: true,
      checks: [{ name: "mirror", ok: true, why: "synced" }],
    });
  });

  it("a check that throws fails, and the others are still told", async () => {
    const broken: HealthCheck = {
      name: "broken",
      check() {
        throw new Error("no world");
      },
    };
    const { url } = await serve(
      createHealthApp({ live: [], ready: [broken, check("mirror", true)] }, silentLog),
    );
    const text = await (await fetch(`${url}/readyz`)).text();
    assert.match(text, /\[-\]broken failed: the check failed: no world\n\[\+\]mirror ok/);
  });

  it("checks are asked anew for each probe", async () => {
    let ok = false;
    const flips: HealthCheck = { name: "flips", check: () => ({ ok, why: "" }) };
    const { url } = await serve(createHealthApp({ live: [], ready: [flips] }, silentLog));
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    ok = true;
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
  });
});

describe("the people's door", () => {
  it("serves the registry that it was handed, in its own content type", async () => {
    const registry = new Registry();
    new Counter({ name: "a_total", help: "a", registers: [registry] }).inc(3);
    const { url } = await serve(opsApp({ registry }));
    const response = await fetch(`${url}/metrics`);
    assert.equal(response.headers.get("content-type"), registry.contentType);
    assert.match(await response.text(), /^a_total 3$/m);
  });

  it("asks the guard before metrics and before each route, and no guard where none was given", async () => {
    const routes = [
      {
        path: "/api",
        handler: Router().get("/queue", (_, response) => void response.send("queue")),
        guard: refuse,
      },
      { path: "/", handler: Router().get("/", (_, response) => void response.send("page")), guard: null },
    ];
    function refuse(_: unknown, response: { sendStatus(code: number): unknown }) {
      response.sendStatus(401);
    }
    const { url } = await serve(opsApp({ metricsGuard: refuse, routes }));
    assert.equal((await fetch(`${url}/metrics`)).status, 401);
    assert.equal((await fetch(`${url}/api/queue`)).status, 401);
    assert.equal(await (await fetch(`${url}/`)).text(), "page");
  });

  it("lets a browser do nothing: no script, no frame, no sniffing, no cache, no product name", async () => {
    const { url } = await serve(opsApp());
    const { headers, status } = await fetch(`${url}/nothing-here`);
    assert.equal(status, 404);
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-powered-by"), null);
    assert.equal(headers.get("access-control-allow-origin"), null);
    assert.equal(headers.get("strict-transport-security"), null);
  });

  it("a page may load its own script but nothing inline and nothing from elsewhere", async () => {
    const page = Router().use(pageSecurityHeaders(), (_, response) => void response.send("page"));
    const { url } = await serve(opsApp({ routes: [{ path: "/page", handler: page, guard: null }] }));
    const policy = (await fetch(`${url}/page`)).headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  });

  it("takes no writes", async () => {
    const { url } = await serve(opsApp());
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(`${url}/metrics`, { method });
      assert.equal(response.status, 405, method);
      assert.equal(response.headers.get("allow"), "GET, HEAD");
    }
  });

  it("a route that fails is a 500 without a word of why, and a log line with it", async () => {
    const log = new RecordingLog();
    const broken = Router().get("/", () => {
      throw new Error("secret detail");
    });
    const { url } = await serve(opsApp({ routes: [{ path: "/broken", handler: broken, guard: null }], log }));
    const response = await fetch(`${url}/broken`);
    assert.equal(response.status, 500);
    assert.equal(await response.text(), "Internal error.\n");
    assert.equal(log.lines.length, 1);
  });

  it("paths that try to climb or can't be decoded are a clear 4xx", async () => {
    const { url, server } = await serve(opsApp({ routes: [] }));
    assert.equal((await fetch(`${url}/%ff`)).status, 404);
    assert.equal(
      (await raw(server, "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).status,
      404,
    );
    assert.equal((await raw(server, "nonsense\r\n\r\n")).status, 400);
    const long = `GET / HTTP/1.1\r\nHost: x\r\nx-long: ${"a".repeat(20_000)}\r\n\r\n`;
    assert.equal((await raw(server, long)).status, 431);
  });
});

async function raw(server: OpsServer, text: string): Promise<{ status: number }> {
  const socket = connect(server.address.port, "127.0.0.1");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]) };
}
