import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "../e2e/objects.ts";
import { LEASE_NAMESPACE, until } from "../e2e/rig.ts";
import { type Case, testCommands } from "./cases.ts";
import { readPage } from "./page.ts";
import { Playground } from "./playground.ts";

const name = "README.md, typed by a reader";
const PODS = ["4xk2p", "8nq7t", "zw5hd"].map((suffix) => `beskar7-claim-coordinator-6f7c9d5b8-${suffix}`);
const page = readPage("README.md");

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 280_000 }, () => {
  let playground: Playground;
  before(async () => {
    playground = await Playground.start();
  });
  after(() => playground?.stop());

  let started = false;
  /** The pods run from the first time that the reader waits for them. */
  async function rollOut(): Promise<void> {
    if (started) return playground.rolledOut("beskar7-claim-coordinator");
    started = true;
    await playground.rollOut(...PODS);
    const team = await Objects.in(playground.stage.admin, "team-a");
    await team.machine("web-0", { waiting: true });
    await team.host("host-1");
    await until(async () => consumerOf(await team.getHost("host-1")) === "web-0");
    await team.machine("gpu-0", { waiting: true, annotations: { "beskar7.io/required-tags": "gpu" } });
    await team.host("host-2");
    await askForHost();
  }

  /** As the page says it, with a ClaimRequest that a person applies. */
  async function askForHost(): Promise<void> {
    const lab = new Objects(playground.stage.admin, "default");
    await lab.host("lab-host", { labels: { nvme: "" } });
    const [request = ""] = page.yaml;
    const { code, stderr } = await playground.stage.plane.kubectl(["apply", "-f", "-"], { input: request });
    assert.equal(code, 0, stderr);
    await until(async () => consumerOf(await lab.getHost("lab-host")) === "lab-1");
    assert.equal(page.yaml.length, 1);
  }

  const register = () => playground.register();
  const applied: Case = {
    before: () => playground.unregister(),
    prints: /^deployment\.apps\/beskar7-claim-coordinator serverside-applied$/m,
    after: register,
  };
  const healthy: Case = { prints: /^Leader election\n {2}ok .*/m };
  const leaseHeld: Case = {
    prints: /^beskar7-claim-coordinator-leader +beskar7-claim-coordinator-\S+ +\d+s$/m,
  };

  const cases: Readonly<Record<string, Case>> = {
    "npm start": { until: /hosts: 20 held, 0 free.*\n.*hosts: /, asShown: true },
    "npm start -- --once": { prints: /^no host changed hands without a release/m },
    "npm test": { type: "npm test -- test/readme/page", prints: /^ℹ fail 0$/m },
    "npm run check": {
      notRun:
        "takes most of a minute, is the first step of .ci/run, and judges files that are no business of this test",
    },
    // One that starts within seconds; whether its limits are kept says nothing on a busy machine.
    "npm run bench": {
      type: "npm run bench -- sandbox",
      codes: [0, 1],
      prints: /^ +sandbox start to first answer, .*, p50 +\d+(\.\d+)? ms {2}\(limit 300\)/m,
    },
    "npm run chaos": {
      type: "npm run chaos -- --minutes=0.05 --seed=1 --faults=freeze,kill",
      prints: /^violations +0$/m,
    },
    "npm run mutation": { notRun: "takes hours" },
    "docker build -t beskar7-claim-coordinator:0.1.0 .": {
      notRun: "needs a container engine; test/manifests/image.test.ts goes through the Dockerfile's steps",
    },
    "kubectl apply --server-side -k manifests/base": applied,
    "kubectl apply --server-side -k manifests/overlays/optimistic": applied,
    "kubectl -n beskar7-system rollout status deployment/beskar7-claim-coordinator": {
      before: rollOut,
      prints: /successfully rolled out/,
    },
    "kubectl get lease -n beskar7-system beskar7-claim-coordinator-leader": leaseHeld,
    "kubectl get leases -n beskar7-system beskar7-claim-coordinator-leader": leaseHeld,
    "kubectl logs -n beskar7-system deployment/beskar7-claim-coordinator -c manager": {
      prints: /"msg":"New leader elected for claim coordination"/,
    },
    "kubectl get claimreq -A": { prints: /^team-a +beskar7machine-web-0 +web-0 +Bound +host-1/m },
    "npm start -- doctor": healthy,
    "npm start -- install --webhook-url=https://coordinator.example:9443": {
      before: () => playground.unregister(),
      asShown: true,
      after: register,
    },
    "npm start -- install --dry-run": { prints: /^kind: ValidatingWebhookConfiguration$/m },
    "npm start -- help manager": { prints: /--enable-claim-coordinator-leader-election/ },
    "npm start -- queue": { prints: /team-a\/gpu-0 +gpu +no host fits/ },
    "npm start -- explain MACHINE": { type: "npm start -- explain gpu-0", prints: /it has no label gpu/ },
    "npm start -- explain host/NAME": { type: "npm start -- explain host/host-1", prints: /web-0/ },
    "npm start -- verify HOST": { type: "npm start -- verify host-1", prints: /web-0/ },
    "kubectl create serviceaccount -n beskar7-system queue-viewer": { prints: /created$/m },
    "kubectl create clusterrolebinding queue-viewer --clusterrole=beskar7-claimrequest-viewer --serviceaccount=beskar7-system:queue-viewer":
      { prints: /created$/m },
    "kubectl create token -n beskar7-system queue-viewer": {
      type: 'T=$(kubectl create token -n beskar7-system queue-viewer); kubectl auth whoami --token="$T"; kubectl get claimreq -A --token="$T"',
      prints: /system:serviceaccount:beskar7-system:queue-viewer(?:.|\n)*beskar7machine-web-0/,
    },
    "kubectl port-forward -n beskar7-system deployment/beskar7-claim-coordinator 8080:8080": {
      notRun: "needs a kubelet that forwards; test/ops/status-page.test.ts opens the page in a browser",
    },
    "kubectl -n beskar7-system rollout pause deployment/beskar7-claim-coordinator": { prints: /paused$/m },
    "kubectl -n beskar7-system rollout resume deployment/beskar7-claim-coordinator": { prints: /resumed$/m },
    "kubectl -n beskar7-system rollout restart deployment/beskar7-claim-coordinator": {
      prints: /restarted$/m,
    },
    "kubectl delete lease -n beskar7-system beskar7-claim-coordinator-leader": { prints: /deleted/ },
    "npm start -- uninstall": {
      prints: /^CustomResourceDefinition claimrequests\.claims\.beskar7\.io removed$/m,
    },
    "kubectl delete namespace beskar7-system": {
      before: () => void playground.endNamespace(LEASE_NAMESPACE),
      prints: /deleted/,
    },
  };

  testCommands(page, () => playground, cases);
});
