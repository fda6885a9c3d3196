import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { registrationDifferences } from "../../certs/registration-diff.ts";
import { registrationObjects } from "../../src/cli/install-objects.ts";
import { namesOf, registrationOf } from "../../src/cli/setup.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { find, render } from "../manifests/kustomize.ts";

const name = "the overlay that scales to zero";

describe(name, { skip: await skipWithoutControlPlane(name) }, () => {
  let objects: KubeObject[];
  let config: Config;

  before(async () => {
    objects = await render("overlays/stateless");
    const [container] = find(objects, "Deployment").spec.template.spec.containers;
    const parsed = parseConfig(["manager", ...container.args], { POD_NAMESPACE: "beskar7-system" });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    config = parsed.config;
  });

  test("runs one stateless replica, and nothing keeps it from being none", () => {
    assert.equal(config.stateless, true);
    assert.equal(find(objects, "Deployment").spec.replicas, 1);
    assert.deepEqual(
      objects.filter(({ kind }) => kind === "PodDisruptionBudget"),
      [],
    );
  });

  test("registers the webhooks as its flags say, so that the service finds no edit", () => {
    for (const wanted of registrationObjects(namesOf(config), registrationOf(config))) {
      const actual = find(objects, wanted.kind ?? "");
      assert.deepEqual(registrationDifferences(wanted, actual), []);
      for (const webhook of actual.webhooks) assert.equal(webhook.timeoutSeconds, 30);
    }
  });

  test("grants its service account no watch, and of Leases only to read", () => {
    const verbsOf = (role: string) =>
      find(objects, "ClusterRole", role).rules.flatMap(({ verbs }: { verbs: string[] }) => verbs);
    assert.deepEqual(verbsOf("beskar7-leader-election"), ["get"]);
    assert.ok(!verbsOf("beskar7-claim-coordinator").includes("watch"));
  });
});
