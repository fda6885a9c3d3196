import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import type { RequestHandler } from "express";
import fc from "fast-check";
import { Registry } from "prom-client";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { createOpsApp } from "../../src/ops/app.ts";
import type { Auth } from "../../src/ops/auth.ts";
import { type OpsServer, startOpsServer } from "../../src/ops/server.ts";
import { bareMetalHost } from "../fixtures/objects.ts";
import { QueueDoor } from "../ops/queue-door.ts";
import { host, machine } from "../queue/objects.ts";
import { worldOf } from "../queue/world.ts";
import { decodable, PIECES, question } from "./questions.ts";

const numRuns = Number(process.env.ADVERSARY_RUNS ?? 400);

/** Knows nobody. */
const closed: Auth = {
  authenticate: async () => ({ status: 401, message: "a valid bearer token is needed" }),
  authorize: async () => ({ status: 403, message: "no" }),
};

/** As it stands, without what fetch would tidy up in a path. */
function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
) {
  return new Promise<{ status: number; text: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }));
      });
      call.on("error", reject);
      call.end();
    },
  );
}

const path = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 10 })
  .map((parts) => `/${encodeURI(decodable(parts.join("")))}`);

describe("the people's door", () => {
  let guarded: QueueDoor;
  let open: QueueDoor;
  let metrics: OpsServer;
  before(async () => {
    const twin = { name: "secret-host", namespace: "team-a" };
    const world = () =>
      worldOf(
        ...[machine("secret-machine"), machine("secret-machine", { namespace: "team-a" })],
        ...[host("secret-host"), host("secret-host", { namespace: "team-a" }), bareMetalHost(twin)],
      );
    const nobody: RequestHandler = (_request, response) => void response.status(401).end();
    guarded = await new QueueDoor(world()).open(closed, [], nobody);
    open = await new QueueDoor(world()).open();
    const app = createOpsApp({
      registry: new Registry(),
      metricsGuard: nobody,
      routes: [],
      log: silentLog,
    });
    const address = { host: "127.0.0.1", port: 0 };
    metrics = await startOpsServer({ app, address, tls: null, clock: systemClock, log: silentLog });
  });
  after(() => Promise.all([guarded.close(), open.close(), metrics.close(0)]));
  const portOf = (door: QueueDoor) => Number(new URL(door.url).port);

  it("shows nothing without a token, however its paths are spelt", async () => {
    const prefix = fc.constantFrom(
      "",
      "/api/v1",
      "/api/v1/queue",
      "/api/v1/explain/machine/default/secret-machine",
      "/api//v1",
      "/API/V1/queue/",
    );
    await fc.assert(
      fc.asyncProperty(prefix, path, async (start, rest) => {
        const { status, text } = await ask(portOf(guarded), start + (start === "" ? rest : rest.slice(1)));
        assert.ok(status >= 400 && status < 500, `${status} for ${start}${rest}`);
        assert.doesNotMatch(text, /secret-host/);
      }),
      { numRuns },
    );
  });

  it("answers any question with JSON or a clear 4xx, never with a fault of its own", async () => {
    const came = new Map<string, { asked: number; answered: number }>();
    await fc.assert(
      fc.asyncProperty(question, async ({ route, target, method }) => {
        const { status, text } = await ask(portOf(open), target, { method });
        assert.ok(status === 200 || (status >= 400 && status < 500), `${status} for ${target}`);
        if (status === 200 && method === "GET") JSON.parse(text);
        const { asked, answered } = came.get(route) ?? { asked: 0, answered: 0 };
        came.set(route, { asked: asked + 1, answered: answered + Number(status === 200) });
      }),
      { numRuns },
    );
    // Questions that are refused at the door say nothing of what is behind it.
    for (const [route, { asked, answered }] of came)
      assert.ok(asked < 20 || answered * 5 > asked, `${answered} of ${asked} answered at ${route}`);
  });

  it("guards every spelling of /metrics that is served", async () => {
    for (const spelling of [
      "/metrics",
      "/metrics/",
      "/METRICS",
      "//metrics",
      "/./metrics",
      "/x/../metrics",
      "/metrics%2f",
      "/%6detrics",
      "/metrics;x",
      "/metrics?x",
    ]) {
      const { status } = await ask(metrics.address.port, spelling);
      assert.ok(status === 401 || status === 404, `${spelling} got ${status}`);
    }
    assert.equal((await ask(metrics.address.port, "http://elsewhere/metrics")).status >= 400, true);
  });

  it("gives another site nothing to read, to set or to write with", async () => {
    const origin = "https://attacker.example";
    const foreign = { headers: { origin, "sec-fetch-site": "cross-site", cookie: "token=alice" } };
    for (const door of [guarded, open]) {
      const { headers } = await ask(portOf(door), "/api/v1/queue", foreign);
      const telling = Object.keys(headers).filter(
        (name) => name.startsWith("access-control-") || name === "set-cookie",
      );
      assert.deepEqual(telling, []);
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
      assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
    }
    const preflight = {
      ...foreign.headers,
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    };
    const answer = await ask(portOf(open), "/api/v1/queue", { method: "OPTIONS", headers: preflight });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      assert.equal((await ask(portOf(open), "/api/v1/queue", { method, ...foreign })).status, 405);
    }
  });

  it("knows a person by the Authorization header alone: no cookie, no query, no forwarded name", async () => {
    const disguises: Record<string, string>[] = [
      { cookie: "token=alice; authorization=Bearer alice" },
      { "x-remote-user": "admin", "x-remote-group": "system:masters" },
      { "x-forwarded-user": "admin", "x-forwarded-for": "127.0.0.1" },
      { "impersonate-user": "admin" },
    ];
    for (const headers of disguises)
      assert.equal((await ask(portOf(guarded), "/api/v1/queue", { headers })).status, 401);
    const inQuery = await ask(portOf(guarded), "/api/v1/status?access_token=alice");
    assert.ok([400, 401].includes(inQuery.status));
  });
});
