import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../src/config.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { type Json, skipWithoutControlPlane } from "../controlplane/index.ts";
import { find, INSTALLABLE, MANIFESTS, render } from "./kustomize.ts";

/** What each overlay adds to the base, as docs/install.md says. */
const COMPONENTS: Readonly<Record<string, readonly string[]>> = {
  "cert-manager": ["cert-manager"],
  "fail-open": ["failure-policy-ignore", "steal-guard"],
  full: [
    "cert-manager",
    "grafana-dashboard",
    "network-policy",
    "prometheus-rule",
    "service-monitor",
    "steal-guard",
  ],
  hardened: ["network-policy", "steal-guard"],
  metal3: ["metal3"],
  monitoring: ["grafana-dashboard", "prometheus-rule", "service-monitor"],
  optimistic: ["failure-policy-ignore", "optimistic"],
  stateless: ["stateless"],
};

test("every overlay is the base and its components, and every component is in one", () => {
  const overlays = readdirSync(join(MANIFESTS, "overlays"));
  const used = overlays.map((overlay) => {
    const text = readFileSync(join(MANIFESTS, "overlays", overlay, "kustomization.yaml"), "utf8");
    const { resources, components, ...rest } = parse(text) as Json;
    assert.deepEqual(resources, ["../../base"]);
    assert.deepEqual(Object.keys(rest).sort(), ["apiVersion", "kind"]);
    const names = components.map((path: string) => path.replace("../../components/", "")).sort();
    return [overlay, names] as const;
  });
  assert.deepEqual(Object.fromEntries(used), COMPONENTS);
  const all = readdirSync(join(MANIFESTS, "components"));
  assert.deepEqual([...new Set(used.flatMap(([, names]) => names))].sort(), all.sort());
});

const name = "the components of the manifests";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 60_000 }, () => {
  const manager = (objects: readonly KubeObject[]): Json =>
    find(objects, "Deployment").spec.template.spec.containers[0];
  const registrations = (objects: readonly KubeObject[]) =>
    objects.filter(({ kind }) => kind?.endsWith("WebhookConfiguration"));

  for (const folder of INSTALLABLE) {
    test(`${folder} leaves the Service, and what else goes by labels, with the pods`, async () => {
      const objects = await render(folder);
      const deployment = find(objects, "Deployment");
      const { labels } = deployment.spec.template.metadata;
      const service = find(objects, "Service");
      const selectors = [deployment.spec.selector.matchLabels, service.spec.selector];
      for (const { kind, spec } of objects as Json[]) {
        if (kind === "PodDisruptionBudget") selectors.push(spec.selector.matchLabels);
        if (kind === "NetworkPolicy") selectors.push(spec.podSelector.matchLabels);
      }
      for (const selector of selectors) {
        assert.notDeepEqual(Object.keys(selector), []);
        for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value);
      }
    });
  }

  test("cert-manager: what is issued is mounted, served under the Service's names and injected", async () => {
    const objects = await render("overlays/cert-manager");
    const service = find(objects, "Service").metadata;
    const certificate = find(objects, "Certificate", "beskar7-claim-coordinator");
    const inCluster = `${service.name}.${service.namespace}.svc`;
    assert.ok(certificate.spec.dnsNames.includes(inCluster));
    const { volumes } = find(objects, "Deployment").spec.template.spec;
    const [volume] = volumes.filter((each: Json) => each.secret?.secretName === certificate.spec.secretName);
    const { args, volumeMounts } = manager(objects);
    const [mount] = volumeMounts.filter((each: Json) => each.name === volume.name);
    const parsed = parseConfig(["manager", ...args], {});
    assert.ok(parsed.ok);
    assert.equal(parsed.config.webhookCertDir, mount.mountPath);
    const { namespace, name: certificateName } = certificate.metadata;
    const injected = registrations(objects).map(({ metadata }) => metadata.annotations);
    const annotations = { "cert-manager.io/inject-ca-from": `${namespace}/${certificateName}` };
    assert.deepEqual(injected, [annotations, annotations]);
    const issuer = find(objects, "Issuer", certificate.spec.issuerRef.name);
    const authority = find(objects, "Certificate", "beskar7-claim-coordinator-ca");
    assert.equal(issuer.spec.ca.secretName, authority.spec.secretName);
    assert.equal(authority.spec.isCA, true);
    assert.deepEqual(find(objects, "Issuer", authority.spec.issuerRef.name).spec, { selfSigned: {} });
  });

  test("network-policy: reviews and probes from anywhere, metrics by label; the API server and DNS", async () => {
    const objects = await render("overlays/hardened");
    const { policyTypes, ingress, egress } = find(objects, "NetworkPolicy").spec;
    assert.deepEqual(policyTypes, ["Ingress", "Egress"]);
    const open = ingress.filter((rule: Json) => rule.from === undefined);
    const portsOf = (rules: Json[]) => rules.flatMap((rule) => rule.ports.map((each: Json) => each.port));
    assert.deepEqual(portsOf(open), ["webhook", "health"]);
    assert.deepEqual(portsOf(ingress.filter((rule: Json) => rule.from !== undefined)), ["metrics"]);
    const ports = manager(objects).ports.map((port: Json) => port.name);
    for (const port of portsOf(ingress)) assert.ok(ports.includes(port), port);
    assert.deepEqual(portsOf(egress), [443, 6443, 53, 53]);
  });

  test("service-monitor: it finds the Service's people's door, and keeps the hosts' namespaces", async () => {
    const objects = await render("overlays/monitoring");
    const { metadata, spec } = find(objects, "Service");
    const monitor = find(objects, "ServiceMonitor");
    assert.equal(monitor.metadata.namespace, metadata.namespace);
    for (const [key, value] of Object.entries(monitor.spec.selector.matchLabels)) {
      assert.equal(metadata.labels[key], value);
    }
    const [endpoint] = monitor.spec.endpoints;
    assert.ok(spec.ports.some((port: Json) => port.name === endpoint.port && port.targetPort === "metrics"));
    assert.deepEqual([endpoint.path, endpoint.scheme, endpoint.honorLabels], ["/metrics", "https", true]);
    assert.ok(endpoint.bearerTokenFile);
  });

  test("grafana-dashboard: the sidecar finds it, and it is the dashboard", async () => {
    const { metadata, data } = find(await render("overlays/monitoring"), "ConfigMap");
    assert.equal(metadata.labels.grafana_dashboard, "1");
    const [[file, text]] = Object.entries(data) as [[string, string]];
    assert.match(file, /\.json$/);
    assert.equal(text, readFileSync(join(MANIFESTS, "components/grafana-dashboard/dashboard.json"), "utf8"));
    assert.ok(JSON.parse(text).panels.length > 5);
  });

  test("metal3: of PhysicalHosts only reading is left, and nothing else changes", async () => {
    const rulesOf = async (folder: string) =>
      find(await render(folder), "ClusterRole", "beskar7-claim-coordinator").rules as Json[];
    const [base, metal3] = [await rulesOf("base"), await rulesOf("overlays/metal3")];
    const changed = base.flatMap((rule, index) =>
      JSON.stringify(rule) === JSON.stringify(metal3[index]) ? [] : [[rule, metal3[index]]],
    );
    const only = { apiGroups: ["infrastructure.cluster.x-k8s.io"], resources: ["physicalhosts"] };
    assert.deepEqual(changed, [
      [
        { ...only, verbs: ["get", "list", "watch", "patch"] },
        { ...only, verbs: ["get", "list", "watch"] },
      ],
    ]);
  });

  test("optimistic: nobody stands, and no claim waits for an answer", async () => {
    const objects = await render("overlays/optimistic");
    const parsed = parseConfig(["manager", ...manager(objects).args], {});
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.config.leaderElection, parsed.config.failurePolicy], [false, "Ignore"]);
  });

  test("steal-guard: each host kind has a policy, and a binding that denies", async () => {
    const objects = await render("overlays/hardened");
    const policies = objects.filter(({ kind }) => kind === "ValidatingAdmissionPolicy");
    assert.deepEqual(policies.map(({ metadata }) => metadata.name).sort(), [
      "baremetalhosts.claims.beskar7.io",
      "physicalhosts.claims.beskar7.io",
    ]);
    for (const { metadata } of policies) {
      const { spec } = find(objects, "ValidatingAdmissionPolicyBinding", metadata.name);
      assert.deepEqual(spec, { policyName: metadata.name, validationActions: ["Deny"] });
    }
  });
});
