import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS as VALIDATING } from "../../src/kube/types.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { createKubeHttp, type KubeHttp } from "../controlplane/kube-http.ts";
import { at, WIDGET_DEFINITION, WIDGETS, widget } from "./cluster.ts";

const PATH = "/apis/test.example.com/v1/namespaces/default/widgets";

describe("the sandbox over HTTPS", () => {
  let sandbox: Sandbox;
  let call: KubeHttp;
  before(async () => {
    sandbox = await startSandbox({
      crds: [WIDGET_DEFINITION],
      users: [{ username: "ops", groups: [], token: "ops" }],
    });
    const token = sandbox.addUser({ username: "root", groups: ["system:masters"] });
    call = createKubeHttp({ url: sandbox.url, caPem: sandbox.caPem, token });
  });
  after(async () => {
    call.close();
    await sandbox.close();
  });

  it("serves definitions that it was started with from the first request on", async () => {
    assert.equal((await call("GET", PATH)).code, 200);
  });

  it("gives each user a kubeconfig, and none to nobody", () => {
    assert.match(sandbox.kubeconfig("ops"), /token: ops/);
    assert.throws(() => sandbox.kubeconfig("nobody"), /no user nobody/);
  });

  it("keeps its objects, its port and its tokens over a restart, and drops its watches", async () => {
    await call("POST", PATH, { body: widget("kept") });
    const watch = await call.open("GET", `${PATH}?watch=true`);
    const closed = new Promise((resolve) =>
      watch
        .resume()
        .on("error", () => {})
        .once("close", resolve),
    );
    await sandbox.restart();
    await closed;
    assert.equal((await call("GET", `${PATH}/kept`)).code, 200);
  });

  it("refuses a body of more than 3 MiB", async () => {
    const body = widget("big", {}, { annotations: { pad: "x".repeat(3 * 1024 * 1024) } });
    assert.equal((await call("POST", PATH, { body })).code, 413);
  });

  it("takes protobuf of the kinds that Go clients send in it", async () => {
    const field = (number: number, bytes: Buffer) =>
      Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
    const text = (number: number, value: string) => field(number, Buffer.from(value));
    const typeMeta = field(1, Buffer.concat([text(1, "v1"), text(2, "Namespace")]));
    const raw = field(2, field(1, text(1, "from-go")));
    const body = Buffer.concat([Buffer.from("k8s\0"), typeMeta, raw]);
    const contentType = "application/vnd.kubernetes.protobuf";
    const made = await call("POST", "/api/v1/namespaces", { body: body.toString("latin1"), contentType });
    assert.equal(made.code, 201);
    assert.equal(made.json().metadata.name, "from-go");
    const unknown = await call("POST", PATH, { body: "k8s\0", contentType });
    assert.equal(unknown.code, 415);
  });
});

it("webhooks behind a service are called where the table says, over one connection", async () => {
  const now = Date.now();
  const validity = { notBeforeMs: now - 60_000, notAfterMs: now + 3_600_000 };
  const authority = createAuthority({ ...validity, commonName: "hooks" });
  const serving = issueServing(authority, { ...validity, dnsNames: ["hook.system.svc"] });
  let connections = 0;
  const paths: (string | undefined)[] = [];
  const hook = createServer({ key: serving.keyPem, cert: serving.certPem }, async (request, response) => {
    paths.push(request.url);
    let text = "";
    for await (const chunk of request) text += chunk;
    const { uid } = JSON.parse(text).request;
    const review = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid, allowed: true },
    };
    response.setHeader("content-type", "application/json").end(JSON.stringify(review));
  });
  hook.on("secureConnection", () => connections++);
  hook.listen(0, "127.0.0.1");
  await once(hook, "listening");
  const { port } = hook.address() as AddressInfo;
  const services = { "system/hook": { host: "127.0.0.1", port } };
  const sandbox = await startSandbox({ crds: [WIDGET_DEFINITION], services });
  try {
    const api = sandbox.api();
    await api.create(VALIDATING, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "test" },
      webhooks: [
        {
          name: "hook.test.example.com",
          clientConfig: {
            service: { namespace: "system", name: "hook", path: "/validate" },
            caBundle: Buffer.from(authority.certPem).toString("base64"),
          },
          rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["widgets"] }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    });
    await api.create(WIDGETS, widget("a"));
    await api.delete(WIDGETS, at("a"));
    assert.deepEqual(paths, ["/validate?timeout=10s", "/validate?timeout=10s"]);
    assert.equal(connections, 1);
  } finally {
    await sandbox.close();
    hook.close();
    hook.closeAllConnections();
  }
});
