import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { parseConfig } from "../../src/config.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { VERSION } from "../../src/version.ts";
import { type Json, skipWithoutControlPlane } from "../controlplane/index.ts";
import { find, INSTALLABLE, render } from "./kustomize.ts";

const name = "the manifests, rendered";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 60_000 }, () => {
  let base: KubeObject[];
  let deployment: Json;
  let container: Json;
  before(async () => {
    base = await render("base");
    deployment = find(base, "Deployment");
    container = deployment.spec.template.spec.containers[0];
  });

  test("three replicas start /manager with the arguments of the announcement", () => {
    assert.equal(deployment.spec.replicas, 3);
    assert.equal(container.name, "manager");
    assert.deepEqual(container.command, ["/manager"]);
    assert.deepEqual(container.args, [
      "--leader-elect=true",
      "--enable-claim-coordinator-leader-election=true",
      "--claim-coordinator-lease-duration=15s",
      "--claim-coordinator-renew-deadline=10s",
      "--claim-coordinator-retry-period=2s",
    ]);
    assert.deepEqual(
      container.env.map((entry: Json) => [entry.name, entry.valueFrom.fieldRef.fieldPath]),
      [
        ["POD_NAME", "metadata.name"],
        ["POD_NAMESPACE", "metadata.namespace"],
      ],
    );
  });

  test("the role for leases is that of the announcement, to the letter", () => {
    assert.deepEqual(find(base, "ClusterRole", "beskar7-leader-election").rules, [
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
      },
    ]);
  });

  test("the image carries the version of this program", () => {
    assert.equal(container.image, `beskar7-claim-coordinator:${VERSION}`);
  });

  test("a rollout never has fewer replicas than before, a drain takes one at a time, and each ends in peace", () => {
    const { strategy, template } = deployment.spec;
    assert.deepEqual(strategy, { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    // 3 s in which new connections still come, 10 s for the reviews under way, and the Lease is released before.
    assert.ok(template.spec.terminationGracePeriodSeconds >= 20);
    assert.equal(find(base, "PodDisruptionBudget").spec.maxUnavailable, 1);
  });

  test("memory is limited, and CPU is only asked for", () => {
    const { requests, limits } = container.resources;
    assert.deepEqual(Object.keys(limits), ["memory"]);
    assert.deepEqual(Object.keys(requests).sort(), ["cpu", "memory"]);
  });

  test("the pods run as the account that the rights are bound to", () => {
    const { serviceAccountName } = deployment.spec.template.spec;
    const { namespace } = deployment.metadata;
    const bindings = base.filter(({ kind }) => kind?.endsWith("RoleBinding")) as Json[];
    assert.equal(bindings.length, 3);
    for (const { subjects } of bindings) {
      assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: serviceAccountName, namespace }]);
    }
    find(base, "ServiceAccount", serviceAccountName);
  });

  test("the Service, the budget and the anti-affinity choose the Deployment's pods", () => {
    const { labels } = deployment.spec.template.metadata;
    const chosenBy = [
      deployment.spec.selector.matchLabels,
      find(base, "Service").spec.selector,
      find(base, "PodDisruptionBudget").spec.selector.matchLabels,
      ...deployment.spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.map(
        (term: Json) => term.podAffinityTerm.labelSelector.matchLabels,
      ),
    ];
    for (const selector of chosenBy) {
      for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value);
    }
  });

  test("every port that the Service and the probes name is where the program listens by default", () => {
    const parsed = parseConfig(["manager", ...container.args], {});
    assert.ok(parsed.ok);
    const { webhookBindAddress, metricsBindAddress, healthProbeBindAddress } = parsed.config;
    assert.deepEqual(
      Object.fromEntries(container.ports.map((port: Json) => [port.name, port.containerPort])),
      {
        webhook: webhookBindAddress?.port,
        metrics: metricsBindAddress?.port,
        health: healthProbeBindAddress?.port,
      },
    );
    assert.deepEqual(
      find(base, "Service").spec.ports.map((port: Json) => [port.port, port.targetPort]),
      [
        [443, "webhook"],
        [8080, "metrics"],
      ],
    );
    const probes = ["startupProbe", "livenessProbe", "readinessProbe"];
    assert.deepEqual(
      probes.map((probe) => Object.values(container[probe].httpGet).join(" ")),
      ["/healthz health", "/healthz health", "/readyz health"],
    );
  });

  for (const folder of INSTALLABLE) {
    test(`the arguments of ${folder} are understood, and agree with what it registers`, async () => {
      const objects = await render(folder);
      const [manager] = find(objects, "Deployment").spec.template.spec.containers;
      const parsed = parseConfig(["manager", ...manager.args], { POD_NAMESPACE: "beskar7-system" });
      assert.ok(parsed.ok);
      for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
        for (const webhook of find(objects, kind).webhooks) {
          assert.equal(webhook.failurePolicy, parsed.config.failurePolicy);
          assert.equal(webhook.timeoutSeconds * 1000, parsed.config.webhookTimeoutMs);
          assert.equal(webhook.clientConfig.service.name, find(objects, "Service").metadata.name);
        }
      }
    });
  }
});
