import { after, before, describe } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "../e2e/objects.ts";
import { until } from "../e2e/rig.ts";
import { type Case, testCommands } from "./cases.ts";
import { readPage } from "./page.ts";
import { Playground } from "./playground.ts";

const name = "docs/troubleshooting.md, typed by a reader";
const PODS = ["4xk2p", "8nq7t", "zw5hd"].map((suffix) => `beskar7-claim-coordinator-6f7c9d5b8-${suffix}`);
const LOGS =
  "kubectl logs -n beskar7-system -l app.kubernetes.io/name=beskar7-claim-coordinator -c manager --prefix --tail=-1";
const page = readPage("docs/troubleshooting.md");

/** That doctor finds what the page shows it finding is proved in test/doctor; here its mends are typed as well. */
describe(name, { skip: await skipWithoutControlPlane(name), timeout: 200_000 }, () => {
  let playground: Playground;
  let team: Objects;
  before(async () => {
    playground = await Playground.start();
    await playground.type("kubectl apply --server-side -k manifests/base");
    await playground.rollOut(...PODS);
    const { admin } = playground.stage;
    team = await Objects.in(admin, "team-a");
    await team.machine("web-0", { waiting: true });
    for (const host of ["host-1", "host-2"]) await team.host(host);
    await until(async () => (await team.hostsOf("web-0")).length === 1);
    await team.host("host-3", {
      consumerRef: { kind: "Beskar7Machine", name: "web-1", namespace: "team-a" },
    });
    await team.machine("gpu-0", { waiting: true, annotations: { "beskar7.io/required-tags": "gpu" } });
    await team.claim(admin, await freeHost(), "web-0").catch(() => {});
  });
  after(() => playground?.stop());

  async function freeHost() {
    const hosts = await Promise.all(["host-1", "host-2"].map((host) => team.getHost(host)));
    return hosts.find((host) => consumerOf(host) === "")!;
  }

  const cases: Readonly<Record<string, Case>> = {
    // Held by a machine that does not exist: an error, which the page's own command mends below.
    "beskar7-claim-coordinator doctor": { prints: /^Leader election\n {2}ok /m, codes: [0, 1] },
    "kubectl get leases -n beskar7-system beskar7-claim-coordinator-leader": {
      prints: /^beskar7-claim-coordinator-leader +beskar7-claim-coordinator-\S+ +\d+s$/m,
    },
    [LOGS]: { prints: /^\[pod\/beskar7-claim-coordinator-\S+\/manager\] \{.*"msg":"New leader elected/m },
    [`${LOGS} | grep -E "Became leader|Lost leadership"`]: { prints: /Became leader for claim coordination/ },
    [`${LOGS} | grep team-a/web-0`]: { prints: /"msg":"Processing claim as leader"/ },
    "beskar7-claim-coordinator install -n beskar7-system": {
      before: () => playground.unregister(),
      prints: /^ClusterRole beskar7-claim-coordinator (configured|unchanged)$/m,
      after: () => playground.register(),
    },
    "kubectl delete pod -n beskar7-system beskar7-claim-coordinator-6f7c9d5b8-8nq7t": {
      // There is no kubelet to end it.
      type: "kubectl delete pod -n beskar7-system beskar7-claim-coordinator-6f7c9d5b8-8nq7t --wait=false",
      prints: /deleted/,
    },
    "kubectl rollout restart deployment -n beskar7-system beskar7-claim-coordinator": {
      prints: /restarted$/m,
    },
    "kubectl edit deployment -n beskar7-system beskar7-claim-coordinator": { prints: /no changes made/ },
    "kubectl get events -A --field-selector source=beskar7-claim-coordinator,reason=ClaimConsumerHoldsHost": {
      prints: /team-a .*ClaimConsumerHoldsHost .*beskar7machine\/web-0/,
    },
    'kubectl patch physicalhosts -n team-a host-3 --type merge -p \'{"spec":{"consumerRef":null}}\'': {
      prints: /host-3 patched$/m,
    },
    "kubectl get physicalhosts -n team-a host-2 -o yaml": { prints: /^kind: PhysicalHost$/m },
    "kubectl get physicalhosts -n team-a host-3 -o yaml": { prints: /^kind: PhysicalHost$/m },
    "beskar7-claim-coordinator explain -n team-a beskar7machine/gpu-0": { prints: /it has no label gpu/ },
    "beskar7-claim-coordinator explain NAME": {
      type: "beskar7-claim-coordinator explain gpu-0",
      prints: /it has no label gpu/,
    },
    "kubectl port-forward -n beskar7-system POD 18080:8080": {
      notRun:
        "needs a kubelet that forwards; test/doctor/metrics.test.ts has doctor ask replicas at their own doors",
    },
    "beskar7-claim-coordinator doctor --metrics-url=https://127.0.0.1:18080 --metrics-token-file=token": {
      notRun:
        "needs that forwarding; its findings, over TLS and with a token, are in test/doctor/metrics.test.ts",
    },
    "beskar7-claim-coordinator queue": { prints: /team-a\/gpu-0/ },
  };
  testCommands(page, () => playground, cases);
});
