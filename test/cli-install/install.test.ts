import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { install, toYaml } from "../../src/cli/install.ts";
import { LABELS } from "../../src/cli/install-names.ts";
import { installObjects } from "../../src/cli/install-objects.ts";
import { uninstall } from "../../src/cli/uninstall.ts";
import { systemClock } from "../../src/clock.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import {
  CLAIM_REQUESTS,
  CUSTOM_RESOURCE_DEFINITIONS,
  LEASES,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  SECRETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { newClaimRequest } from "../../src/requests/claim-request.ts";
import { stealGuardObjects } from "../../webhooks/steal-guard.ts";
import { type ControlPlane, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";

const name = "install and uninstall on a real API server";
const NAMES = {
  namespace: "beskar7-system",
  leaseNamespace: "beskar7-system",
  certSecret: "beskar7-claim-coordinator-certs",
  registration: "beskar7-claim-coordinator",
};
const LEASE = "beskar7-claim-coordinator-leader";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 180_000 }, () => {
  let plane: ControlPlane;
  let api: KubeClient;
  let lines: string[] = [];
  before(async () => {
    plane = await startControlPlane();
    api = createKubeApi({ config: loadKubeConfig({ kubeconfig: plane.kubeconfigFile() }), version: "test" });
  });
  after(async () => {
    api?.close();
    await plane?.stop();
  });
  beforeEach(() => {
    lines = [];
  });

  const base = () => ({
    api,
    clock: systemClock,
    log: silentLog,
    names: NAMES,
    registration: { target: { service: { namespace: NAMES.namespace, name: "svc" } } },
    leaseName: LEASE,
    dryRun: false,
    print: (text: string) => void lines.push(text),
  });
  const run = async (command: (options: ReturnType<typeof base>) => Promise<number>, change: object = {}) => {
    lines = [];
    const code = await command({ ...base(), ...change });
    return { code, lines: [...lines] };
  };
  const endsWith = (words: RegExp) => (line: string) => words.test(line);
  const exists = (type: Parameters<KubeClient["get"]>[0], objectName: string, namespace?: string) =>
    api.get(type, { namespace, name: objectName }).then(
      () => true,
      (error) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    );

  test("what --dry-run prints, kubectl's server-side validation accepts once the namespace is there", async () => {
    const { names, registration } = base();
    const printed = toYaml(installObjects(names, registration));
    assert.equal(await exists(CUSTOM_RESOURCE_DEFINITIONS, "claimrequests.claims.beskar7.io"), false);
    await plane.kubectl(["create", "namespace", NAMES.namespace]);
    const result = await plane.kubectl(["apply", "--dry-run=server", "-f", "-"], {
      input: printed,
    });
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /mutatingwebhookconfiguration.*created \(server dry run\)/);
  });

  test("a second run changes nothing, and what was edited is set right", async () => {
    const first = await run(install);
    assert.equal(first.code, 0, first.lines.join("\n"));
    assert.match(first.lines.join("\n"), /CustomResourceDefinition claimrequests\S+ created/);
    const second = await run(install);
    assert(second.lines.every(endsWith(/ unchanged$/)), second.lines.join("\n"));
    await plane.kubectl(["delete", "clusterrole", "beskar7-leader-election"]);
    const third = await run(install);
    assert.deepEqual(
      third.lines.filter((line) => !line.endsWith(" unchanged")),
      ["ClusterRole beskar7-leader-election created"],
    );
  });

  test("a caBundle that the service wrote survives the next install", async () => {
    await run(install);
    const key = { name: NAMES.registration };
    const caBundle = Buffer.from(plane.caPem).toString("base64");
    const body = [{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: caBundle }];
    await api.patch(VALIDATING_WEBHOOK_CONFIGURATIONS, key, { type: "json", body });
    await run(install, { registration: { ...base().registration, failurePolicy: "Ignore" } });
    const { webhooks } = await api.get(VALIDATING_WEBHOOK_CONFIGURATIONS, key);
    const [entry] = webhooks as { clientConfig: { caBundle: string }; failurePolicy: string }[];
    assert.equal(entry?.clientConfig.caBundle, caBundle);
    assert.equal(entry?.failurePolicy, "Ignore");
  });

  test("an installation that is refused names the object, and ends with 1", async () => {
    const { code, lines: printed } = await run(install, {
      registration: { target: { url: "http://insecure.example" } },
    });
    assert.equal(code, 1);
    assert.match(printed.at(-1)!, /^MutatingWebhookConfiguration beskar7-claim-coordinator failed: /);
  });

  test("uninstalling removes everything, requests with finalizers too, and can be repeated", async () => {
    await run(install);
    for (const name of ["m", "n"]) {
      const consumer = { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name, uid: "" };
      const options = { consumer, consumerRef: { name }, hostKind: "PhysicalHost" };
      await api.create(CLAIM_REQUESTS, newClaimRequest(options));
    }
    await api.delete(CLAIM_REQUESTS, { namespace: "default", name: "beskar7machine-n" });
    const inNamespace = { namespace: NAMES.namespace };
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" };
    await api.create(LEASES, { ...lease, metadata: { ...inNamespace, name: LEASE } });
    const secret = { apiVersion: "v1", kind: "Secret" };
    await api.create(SECRETS, { ...secret, metadata: { ...inNamespace, name: NAMES.certSecret } });

    const policies = { apiVersion: "v1", kind: "List", items: stealGuardObjects(LABELS) };
    const applied = await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(policies) });
    assert.equal(applied.code, 0, applied.stderr);

    const trial = await run(uninstall, { dryRun: true });
    assert.match(trial.lines.join("\n"), /2 ClaimRequests would be removed/);
    assert.equal(await exists(CLAIM_REQUESTS, "beskar7machine-m", "default"), true);

    const first = await run(uninstall);
    assert.equal(first.code, 0, first.lines.join("\n"));
    assert.match(first.lines[0]!, /^MutatingWebhookConfiguration .* removed$/);
    assert.match(first.lines.at(-1)!, /^CustomResourceDefinition .* removed$/);
    assert.equal(await exists(CUSTOM_RESOURCE_DEFINITIONS, "claimrequests.claims.beskar7.io"), false);
    assert.equal(await exists(SECRETS, NAMES.certSecret, NAMES.namespace), false);
    assert.equal(await exists(LEASES, LEASE, NAMES.namespace), false);
    const kinds = "clusterroles,flowschemas,validatingadmissionpolicies,validatingadmissionpolicybindings";
    const left = await plane.kubectl(["get", kinds, "-o", "name"]);
    assert.doesNotMatch(left.stdout, /beskar7/);
    assert.deepEqual(await run(uninstall), { code: 0, lines: [] });
  });

  test("an object of the same name that somebody else made is left alone", async () => {
    await api.create(MUTATING_WEBHOOK_CONFIGURATIONS, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: NAMES.registration },
    });
    const { code, lines: printed } = await run(uninstall);
    assert.equal(code, 0);
    assert.match(printed.join("\n"), /left alone: it lacks the label/);
    assert.equal(await exists(MUTATING_WEBHOOK_CONFIGURATIONS, NAMES.registration), true);
  });
});
