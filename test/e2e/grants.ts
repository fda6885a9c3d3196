import assert from "node:assert/strict";
import { join } from "node:path";
import { type ControlPlane, expectOk } from "../controlplane/index.ts";
import { until } from "./until.ts";

const RIGHTS = join(import.meta.dirname, "../../manifests/base/rbac.gen.yaml");

/** Gives the service's account what manifests/base grants, and nothing more. Its namespace has to be there. */
export async function grantServiceRights(plane: ControlPlane): Promise<void> {
  const { code, stderr } = await plane.kubectl(["apply", "--server-side", "-f", RIGHTS]);
  assert.equal(code, 0, stderr);
}

/** Lets the controllers' service account of this namespace do everything: their rights are not what is tested. */
export async function grantControllers(plane: ControlPlane, namespace: string): Promise<void> {
  const answer = await plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    body: {
      metadata: { name: `controllers-of-${namespace}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "ServiceAccount", namespace, name: "beskar7" }],
    },
  });
  if (answer.code !== 409) expectOk(answer);
  const spec = {
    user: `system:serviceaccount:${namespace}:beskar7`,
    resourceAttributes: { verb: "*", group: "*", resource: "*" },
  };
  // Grants come into force a moment after they are written.
  await until(async () => {
    const review = await plane.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      body: { spec },
    });
    return expectOk(review).status.allowed === true;
  });
}
