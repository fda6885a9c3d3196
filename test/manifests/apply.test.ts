import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ControlPlane, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { find, INSTALLABLE, MANIFESTS, render } from "./kustomize.ts";

const name = "the manifests on a real API server";
const NAMESPACE = "beskar7-system";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 180_000 }, () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane();
    const definitions = join(import.meta.dirname, "fixtures/stand-in-crds.yaml");
    await succeeds(["apply", "-f", definitions]);
    await succeeds(["wait", "--for=condition=Established", "-f", definitions, "--timeout=60s"]);
  });
  after(() => plane?.stop());

  async function succeeds(args: string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await plane.kubectl(args, { input });
    assert.equal(code, 0, stderr);
    // Unknown fields and deprecated versions are warnings.
    assert.doesNotMatch(stderr, /warning/i);
    return stdout;
  }
  const apply = (folder: string) => ["apply", "--server-side", "-k", join(MANIFESTS, folder)];

  for (const folder of INSTALLABLE) {
    test(`${folder} is applied in one go, and a second time without a conflict`, async () => {
      const first = await succeeds(apply(folder));
      assert.match(first, /^deployment.apps\/beskar7-claim-coordinator serverside-applied$/m);
      await succeeds(apply(folder));
    });
  }

  for (const folder of INSTALLABLE) {
    test(`the pod of ${folder} is one that the restricted Pod Security Standard admits`, async () => {
      const { metadata, spec } = find(await render(folder), "Deployment").spec.template;
      const pod = (containers: unknown[]) =>
        JSON.stringify({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { ...metadata, name: "one", namespace: NAMESPACE },
          spec: { ...spec, automountServiceAccountToken: false, containers },
        });
      const [manager] = spec.containers;
      assert.equal(manager.securityContext.readOnlyRootFilesystem, true);
      await succeeds(["create", "--dry-run=server", "-f", "-"], pod([manager]));
      const { securityContext: _, ...open } = manager;
      const refused = await plane.kubectl(["create", "--dry-run=server", "-f", "-"], { input: pod([open]) });
      assert.match(refused.stderr, /violates PodSecurity "restricted/);
    });
  }
});
