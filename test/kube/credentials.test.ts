import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createKubeApi } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { isUnauthorized } from "../../src/kube/errors.ts";
import { whoAmI } from "../../src/kube/identity.ts";
import { NAMESPACES } from "../../src/kube/types.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { configFor, type HttpServer, json, startHttpServer } from "./http-server.ts";

const hasCode = (code: string) => (error: { code?: string }) => error.code === code;

describe("Credentials", () => {
  let server: HttpServer;
  let folder: string;
  let token: string;
  beforeEach(async () => {
    server = await startHttpServer();
    folder = mkdtempSync(join(tmpdir(), "kube-"));
    token = join(folder, "token");
    writeFileSync(token, "first\n");
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await server.close();
  });
  const client = () => {
    const user = { authProvider: { name: "tokenFile", config: { tokenFile: token } } };
    return createKubeApi({ config: configFor(server.url, user), version: "0", clock: new FakeClock() });
  };
  const bearers = () => server.received.map(({ headers }) => headers.authorization);

  it("takes a rotated token from its file when the old one is refused, and asks again", async () => {
    const api = client();
    await api.get(NAMESPACES, { name: "a" });
    writeFileSync(token, "second\n");
    server.answer = ({ headers }, response) =>
      json(response, headers.authorization === "Bearer second" ? 200 : 401, { kind: "Status", code: 401 });
    await api.get(NAMESPACES, { name: "a" });
    assert.deepEqual(bearers(), ["Bearer first", "Bearer first", "Bearer second"]);
    api.close();
  });

  it("gives 401 to the caller when no other token helps", async () => {
    const api = client();
    server.answer = (_request, response) => json(response, 401, { kind: "Status", code: 401 });
    await assert.rejects(api.get(NAMESPACES, { name: "a" }), isUnauthorized);
    assert.equal(server.received.length, 2);
    api.close();
  });

  it("goes on with the last token while its file is missing", async () => {
    const api = client();
    await api.get(NAMESPACES, { name: "a" });
    rmSync(token);
    server.answer = (_request, response) => json(response, server.received.length === 2 ? 401 : 200, {});
    await api.get(NAMESPACES, { name: "a" });
    assert.deepEqual(bearers(), ["Bearer first", "Bearer first", "Bearer first"]);
    api.close();
  });

  it("learns who it is from a SelfSubjectReview", async () => {
    const api = client();
    server.answer = ({ method, url }, response) => {
      assert.equal(`${method} ${url}`, "POST /apis/authentication.k8s.io/v1/selfsubjectreviews");
      const extra = { "authentication.kubernetes.io/pod-name": ["pod-1"] };
      json(response, 201, { status: { userInfo: { username: "sa", groups: ["g"], uid: "u", extra } } });
    };
    assert.deepEqual(await whoAmI(api), { username: "sa", groups: ["g"], uid: "u", podName: "pod-1" });
    api.close();
  });
});

describe("Kubeconfig", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kube-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string, server: string, user = "token: t") => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `apiVersion: v1
kind: Config
current-context: ${name}
clusters: [{name: ${name}, cluster: {server: "${server}", insecure-skip-tls-verify: ${server.startsWith("http:")}}}]
users: [{name: ${name}, user: {${user}}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}}}]
`,
    );
    return path;
  };
  const serverOf = (source: Parameters<typeof loadKubeConfig>[0]) =>
    loadKubeConfig(source).getCurrentCluster()?.server;

  it("is the one that is named, then those of KUBECONFIG, whose first context counts", () => {
    const named = write("named", "https://named");
    const env = { KUBECONFIG: `${write("first", "https://first")}:${write("second", "https://second")}` };
    assert.equal(serverOf({ kubeconfig: named, env }), "https://named");
    assert.equal(serverOf({ env }), "https://first");
  });

  it("is what there is of the files in KUBECONFIG", () => {
    const env = { KUBECONFIG: `${join(folder, "missing")}:${write("there", "https://there")}` };
    assert.equal(serverOf({ env }), "https://there");
    const nowhere = { KUBECONFIG: join(folder, "missing") };
    assert.throws(() => loadKubeConfig({ env: nowhere }), hasCode("KUBECONFIG_UNREADABLE"));
  });

  it("may name a file with the token, beside itself, which is read again when the token is refused", async () => {
    const server = await startHttpServer();
    try {
      writeFileSync(join(folder, "fresh"), "first");
      const path = write("file", server.url, "token: stale, tokenFile: fresh");
      for (const source of [{ kubeconfig: path }, { env: { KUBECONFIG: path } }]) {
        const config = loadKubeConfig(source);
        const api = createKubeApi({ config, version: "0", clock: new FakeClock() });
        await api.get(NAMESPACES, { name: "a" });
        api.close();
      }
      assert.deepEqual(
        server.received.map(({ headers }) => headers.authorization),
        ["Bearer first", "Bearer first"],
      );
    } finally {
      await server.close();
    }
  });

  it("is refused with a code when there is none, it can't be read, or it lacks something", () => {
    assert.throws(() => loadKubeConfig({ env: { HOME: folder } }), hasCode("KUBECONFIG_NONE"));
    const missing = join(folder, "missing");
    assert.throws(() => loadKubeConfig({ kubeconfig: missing, env: {} }), hasCode("KUBECONFIG_UNREADABLE"));
    writeFileSync(missing, "apiVersion: v1\ncurrent-context: x\n");
    assert.throws(() => loadKubeConfig({ kubeconfig: missing, env: {} }), hasCode("KUBECONFIG_INCOMPLETE"));
  });
});
