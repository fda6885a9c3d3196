import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { WatchEvent } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { isAlreadyExists, isConflict, isNotFound, KubeError } from "../../src/kube/errors.ts";
import { LEASES, NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { configFor, type HttpServer, json, startHttpServer } from "./http-server.ts";

const KEY = { namespace: "ns", name: "a" };
const OBJECT = { metadata: { name: "a", namespace: "ns" } };
const STATUS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
const hasCode = (code: string) => (error: unknown) => error instanceof KubeError && error.code === code;

describe("Kubernetes client", () => {
  let server: HttpServer;
  let clock: FakeClock;
  let api: KubeClient;
  beforeEach(async () => {
    server = await startHttpServer();
    clock = new FakeClock();
    api = createKubeApi({ config: configFor(server.url), version: "1.2.3", clock });
  });
  afterEach(async () => {
    api.close();
    await server.close();
  });

  it("asks in the API server's terms", async () => {
    const hosts = "/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/ns/physicalhosts";
    await api.get(PHYSICAL_HOSTS, KEY);
    await api.get(NAMESPACES, { name: "ns" });
    await api.list(LEASES, {
      limit: 5,
      continue: "x/y",
      labelSelector: "a=b",
      fieldSelector: "metadata.name=z",
    });
    await api.create(PHYSICAL_HOSTS, OBJECT, { dryRun: true, fieldManager: "me" });
    await api.createSubresource(PHYSICAL_HOSTS, KEY, "token", OBJECT);
    await api.update(PHYSICAL_HOSTS, OBJECT, { subresource: "status" });
    await api.patch(
      PHYSICAL_HOSTS,
      KEY,
      { type: "apply", body: OBJECT, force: true },
      { fieldManager: "me" },
    );
    await api.patch(PHYSICAL_HOSTS, KEY, { type: "merge", body: {} });
    await api.delete(PHYSICAL_HOSTS, KEY, { preconditions: { uid: "u", resourceVersion: "7" } });
    assert.deepEqual(
      server.received.map(({ method, url, headers }) => [method, url, headers["content-type"]]),
      [
        ["GET", `${hosts}/a`, undefined],
        ["GET", "/api/v1/namespaces/ns", undefined],
        [
          "GET",
          "/apis/coordination.k8s.io/v1/leases?labelSelector=a%3Db&fieldSelector=metadata.name%3Dz&limit=5&continue=x%2Fy",
          undefined,
        ],
        ["POST", `${hosts}?dryRun=All&fieldManager=me`, "application/json"],
        ["POST", `${hosts}/a/token`, "application/json"],
        ["PUT", `${hosts}/a/status`, "application/json"],
        ["PATCH", `${hosts}/a?fieldManager=me&force=true`, "application/apply-patch+yaml"],
        ["PATCH", `${hosts}/a`, "application/merge-patch+json"],
        ["DELETE", `${hosts}/a`, "application/json"],
      ],
    );
    assert.deepEqual(JSON.parse(server.received.at(-1)!.body).preconditions, {
      uid: "u",
      resourceVersion: "7",
    });
    assert.equal(server.received[0]!.headers["user-agent"], "beskar7-claim-coordinator/1.2.3");
    assert.equal(server.received[0]!.headers.authorization, "Bearer t0");
  });

  it("keeps its connections", async () => {
    for (let i = 0; i < 5; i++) await api.get(PHYSICAL_HOSTS, KEY);
    assert.equal(server.connections, 1);
  });

  it("asks a read again on a new connection when the server had closed the kept one", async () => {
    await api.get(PHYSICAL_HOSTS, KEY);
    server.answer = (_request, response) => {
      server.answer = (_again, next) => json(next, 200, OBJECT);
      response.socket?.destroy();
    };
    assert.deepEqual(await api.get(PHYSICAL_HOSTS, KEY), OBJECT);
    server.answer = (_request, response) => response.socket?.destroy();
    await assert.rejects(api.update(PHYSICAL_HOSTS, OBJECT), hasCode("KUBE_TRANSPORT"));
  });

  it("gives refusals as the server's Status, with Retry-After", async () => {
    server.answer = (_request, response) =>
      json(
        response,
        409,
        { ...STATUS, reason: "Conflict", message: "it moved on", code: 409 },
        { "retry-after": "7" },
      );
    await assert.rejects(api.update(PHYSICAL_HOSTS, OBJECT), (error: KubeError) => {
      assert.equal(isConflict(error), true);
      assert.equal(isAlreadyExists(error), false);
      assert.equal(error.status?.message, "it moved on");
      assert.equal(error.retryAfterSeconds, 7);
      return true;
    });
  });

  it("makes a Status of an answer that has none", async () => {
    server.answer = (_request, response) => response.writeHead(404).end("404 page not found\n");
    await assert.rejects(api.list(PHYSICAL_HOSTS), isNotFound);
  });

  it("calls an answer that is no JSON, or not whole, a broken one", async () => {
    server.answer = (_request, response) => response.end("<html>");
    await assert.rejects(api.get(PHYSICAL_HOSTS, KEY), hasCode("KUBE_TRANSPORT"));
    server.answer = (_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write('{"metadata"');
      setImmediate(() => response.destroy());
    };
    await assert.rejects(api.create(PHYSICAL_HOSTS, OBJECT), hasCode("KUBE_TRANSPORT"));
  });

  it("gives up when there is no answer in time, and when it is aborted", async () => {
    const arrival = () =>
      new Promise<void>((resolve) => {
        server.answer = () => resolve();
      });
    let arrived = arrival();
    const late = api.get(PHYSICAL_HOSTS, KEY, { timeoutMs: 500 });
    await arrived;
    await Promise.all([clock.advance(500), assert.rejects(late, hasCode("KUBE_TIMEOUT"))]);
    const abort = new AbortController();
    arrived = arrival();
    const aborted = api.get(PHYSICAL_HOSTS, KEY, { signal: abort.signal });
    await arrived;
    abort.abort();
    await assert.rejects(aborted, hasCode("KUBE_ABORTED"));
    await assert.rejects(api.get(PHYSICAL_HOSTS, KEY, { signal: abort.signal }), hasCode("KUBE_ABORTED"));
    assert.equal(clock.pending, 0);
  });

  it("says that nobody listens", async () => {
    await server.close();
    await assert.rejects(api.get(PHYSICAL_HOSTS, KEY), (error: KubeError) => {
      assert.equal(error.code, "KUBE_TRANSPORT");
      assert.match(error.message, /GET .*physicalhosts\/a: connect ECONNREFUSED/);
      return true;
    });
  });

  describe("watch", () => {
    let events: WatchEvent[];
    let stop: AbortController;
    let opened: number;
    const watch = () =>
      api.watch(PHYSICAL_HOSTS, {
        resourceVersion: "5",
        timeoutSeconds: 30,
        signal: stop.signal,
        onOpen: () => {
          opened += 1;
        },
        onEvent: (event) => events.push(event),
      });
    beforeEach(() => {
      events = [];
      opened = 0;
      stop = new AbortController();
    });

    it("delivers each line as it comes, however it is cut, and resolves when the server ends it", async () => {
      const event = (text: string) => ({ type: "ADDED", object: { metadata: { name: "a" }, text } });
      const sent = [event("ümläut 🦀"), event("x".repeat(3_000_000)), event("last")];
      server.answer = (_request, response) => {
        const bytes = Buffer.from(sent.map((one) => `${JSON.stringify(one)}\n`).join(""));
        const cut = bytes.indexOf("🦀") + 2;
        response.write(bytes.subarray(0, cut));
        setImmediate(() => response.end(bytes.subarray(cut)));
      };
      await watch();
      assert.deepEqual(events, sent);
      assert.equal(opened, 1);
      assert.match(
        server.received[0]!.url,
        /\?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=30$/,
      );
    });

    it("rejects when it is refused, breaks, brings garbage or is aborted", async () => {
      server.answer = (_request, response) =>
        json(response, 410, { ...STATUS, reason: "Expired", code: 410 });
      await assert.rejects(watch(), (error: KubeError) => error.status?.code === 410);
      assert.equal(opened, 0);
      server.answer = (_request, response) => {
        response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n{"type":');
        setImmediate(() => response.destroy());
      };
      await assert.rejects(watch(), hasCode("KUBE_TRANSPORT"));
      assert.equal(events.length, 1);
      server.answer = (_request, response) => response.end("<html>\n");
      await assert.rejects(watch(), hasCode("KUBE_TRANSPORT"));
      server.answer = (_request, response) => {
        response.write("\n");
        setImmediate(() => stop.abort());
      };
      await assert.rejects(watch(), hasCode("KUBE_ABORTED"));
    });

    it("is not ended by the timeout of calls", async () => {
      server.answer = async (_request, response) => {
        response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
        while (events.length === 0) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(3_600_000);
        response.end('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
      };
      await watch();
      assert.equal(events.length, 2);
    });
  });
});
