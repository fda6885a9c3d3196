import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet } from "jose";
import { rbacObjects } from "../../src/cli/install-rbac.ts";
import { systemClock } from "../../src/clock.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { type Auth, createAuth } from "../../src/ops/auth.ts";
import { checkAccessByReview, checkTokenByReview } from "../../src/ops/auth-kubernetes.ts";
import { checkTokenOffline } from "../../src/ops/auth-offline.ts";
import {
  type ControlPlane,
  expectOk,
  skipWithoutControlPlane,
  startControlPlane,
} from "../controlplane/index.ts";

const name = "authentication by a real API server";
const METRICS = { verb: "get", path: "/metrics" };
const queue = (namespace: string) => ({
  verb: "get",
  group: "claims.beskar7.io",
  resource: "claimrequests",
  namespace,
});

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  let api: KubeClient;
  let auth: Auth;
  let token: string;
  before(async () => {
    plane = await startControlPlane();
    token = await plane.podToken("monitoring", "prometheus", "p-0");
    const roles = rbacObjects({
      namespace: "monitoring",
      leaseNamespace: "monitoring",
      certSecret: "s",
      registration: "r",
    });
    const input = roles.map((object) => JSON.stringify(object)).join("\n---\n");
    const applied = await plane.kubectl(["apply", "-f", "-"], { input });
    assert.equal(applied.code, 0, applied.stderr);
    const account = "--serviceaccount=monitoring:prometheus";
    await plane.kubectl([
      "create",
      "clusterrolebinding",
      "m",
      "--clusterrole=beskar7-metrics-reader",
      account,
    ]);
    const role = "--clusterrole=beskar7-claimrequest-viewer";
    await plane.kubectl(["create", "rolebinding", "q", role, account, "-n", "monitoring"]);
    api = createKubeApi({ config: loadKubeConfig({ kubeconfig: plane.kubeconfigFile() }), version: "test" });
    const options = { api, clock: systemClock };
    auth = createAuth({
      checkToken: checkTokenByReview(options),
      checkAccess: checkAccessByReview(options),
      onFailure: (error) => assert.fail(String(error)),
    });
  });
  after(async () => {
    api?.close();
    await plane?.stop();
  });

  const prometheus = async () => {
    const who = await auth.authenticate({ authorization: `Bearer ${token}` });
    assert("user" in who);
    return who.user;
  };

  test("a pod's token is recognised, a made-up one is not", async () => {
    assert.equal((await prometheus()).username, "system:serviceaccount:monitoring:prometheus");
    assert("status" in (await auth.authenticate({ authorization: "Bearer abc" })));
  });

  test("the metrics role opens /metrics, the viewer role the queue of its namespace and no other", async () => {
    const user = await prometheus();
    assert.deepEqual(await auth.authorize(user, METRICS), { allowed: true });
    assert.deepEqual(await auth.authorize(user, queue("monitoring")), { allowed: true });
    for (const access of [queue("default"), queue(""), { verb: "get", path: "/other" }]) {
      const verdict = await auth.authorize(user, access);
      assert("status" in verdict && verdict.status === 403);
    }
  });

  test("offline, against the cluster's own keys, the same token is the same user", async () => {
    const keys = createLocalJWKSet(
      expectOk(await plane.call("GET", "/openid/v1/jwks", { headers: { accept: "*/*" } })),
    );
    const audience = "https://kubernetes.default.svc";
    const check = checkTokenOffline({ issuer: audience, audience, keys, clock: systemClock });
    const { extra, ...online } = await prometheus();
    const offline = await check(token);
    assert.deepEqual({ ...offline, extra: {} }, { ...online, groups: offline?.groups, extra: {} });
    assert.deepEqual([...(offline?.groups ?? [])].sort(), [...online.groups].sort());
    assert.deepEqual(
      offline?.extra["authentication.kubernetes.io/pod-name"],
      extra["authentication.kubernetes.io/pod-name"],
    );
  });
});
