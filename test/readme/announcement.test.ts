import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../src/kube/api.ts";
import { type Json, skipWithoutControlPlane } from "../controlplane/index.ts";
import { createPod } from "../doctor/pods.ts";
import { consumerOf, Objects } from "../e2e/objects.ts";
import { LEASE_NAMESPACE, until } from "../e2e/rig.ts";
import { startPod } from "../migration/pod.ts";
import { NODE } from "./kubelet.ts";
import { Playground } from "./playground.ts";

const name = "the document that announced the coordinator, followed to the letter";
/** Its Deployment and its ClusterRole. It says nothing of the other rights, nor whose they are. */
const FILE = join(import.meta.dirname, "announcement.yaml");
const SERVICE_ACCOUNT = "beskar7-claim-coordinator";
const PODS = ["a", "b", "c"].map((suffix) => `beskar7-controller-5d7c9f-${suffix}`);
const LEASE = "kubectl get leases -n beskar7-system beskar7-claim-coordinator-leader";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 200_000 }, () => {
  let playground: Playground;
  let pool: Objects;
  before(async () => {
    playground = await Playground.start();
    pool = await Objects.in(playground.stage.admin, "pool");
  });
  after(() => playground?.stop());

  async function type(command: string): Promise<string> {
    const { code, output } = await playground.type(command);
    assert.equal(code, 0, `${command}\n${output}`);
    return output;
  }

  async function deployment(): Promise<Json> {
    return JSON.parse(await type("kubectl get deployment -n beskar7-system beskar7-controller -o json"));
  }

  /** The pods of the Deployment as it is now, each with what its container says and nothing that it does not. */
  async function rollOut(generation: string): Promise<void> {
    const { template } = (await deployment()).spec;
    const [container] = template.spec.containers;
    assert.deepEqual(container.command, ["/manager"]);
    assert.deepEqual(
      container.env.map((entry: Json) => `${entry.name}=${entry.valueFrom.fieldRef.fieldPath}`),
      ["POD_NAME=metadata.name", "POD_NAMESPACE=metadata.namespace"],
    );
    const { stage, bundle } = playground;
    const old = [...stage.pods];
    for (const pod of PODS) {
      const podName = `${pod}${generation}`;
      await createPod(stage.admin, podOf(template, podName));
      stage.adopt(
        await startPod(stage.plane, {
          name: podName,
          program: bundle.file,
          serviceAccount: SERVICE_ACCOUNT,
          args: [...container.args, `--webhook-url=${stage.webhookUrl}`],
        }),
      );
    }
    for (const pod of old) {
      await stage.removePod(pod);
      await stage.kubectl("delete", "pod", "-n", LEASE_NAMESPACE, pod.name, "--wait=false");
    }
    await playground.rolledOut("beskar7-controller");
  }

  const podOf = (template: Json, podName: string): KubeObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName, namespace: LEASE_NAMESPACE, labels: template.metadata.labels },
    spec: { ...template.spec, nodeName: NODE, automountServiceAccountToken: false },
    status: { phase: "Running" },
  });

  const saidByOne = async (message: string) =>
    (await Promise.all(PODS.map((pod) => type(`kubectl logs -n beskar7-system ${pod} -c manager`)))).some(
      (log) => log.includes(`"msg":"${message}"`),
    );

  test("its Deployment runs, with its arguments, once it has the rights and is registered", async () => {
    const { stage } = playground;
    await type(`kubectl apply -f ${FILE}`);
    await playground.register();
    const account = JSON.stringify({ spec: { template: { spec: { serviceAccountName: SERVICE_ACCOUNT } } } });
    await type(`kubectl patch deployment -n beskar7-system beskar7-controller -p '${account}'`);
    await rollOut("");
    await until(async () => (await stage.holder())?.startsWith("beskar7-controller-5d7c9f-") === true);
  });

  test("its role is the one that install applies", async () => {
    const announced = parseAllDocuments(readFileSync(FILE, "utf8")).map((document) => document.toJS());
    const rules = JSON.parse(await type("kubectl get clusterrole beskar7-leader-election -o json")).rules;
    assert.deepEqual(rules, announced.find(({ kind }) => kind === "ClusterRole").rules);
  });

  test("leader election not working: its two commands show the holder and the log", async () => {
    assert.match(await type(LEASE), /^beskar7-claim-coordinator-leader +beskar7-controller-5d7c9f-\w+_/m);
    const log = await type("kubectl logs -n beskar7-system deployment/beskar7-controller -c manager");
    assert.match(log, /"msg":"New leader elected for claim coordination"/);
  });

  test("its log messages are there, word for word", async () => {
    const { admin } = playground.stage;
    await pool.machine("machine");
    await pool.host("host");
    await assert.rejects(pool.claim(admin, await pool.getHost("host"), "machine"), /Conflict/);
    await until(async () => consumerOf(await pool.getHost("host")) === "machine");
    for (const message of [
      "Became leader for claim coordination",
      "New leader elected for claim coordination",
      "Delegating claim to leader",
      "Processing claim as leader",
    ]) {
      await until(() => saidByOne(message));
    }
  });

  test("rollback: the flag set to false, all pods restarted, the Lease cleaned up", async () => {
    const body = (await deployment()).spec.template.spec.containers[0].args.map((arg: string) =>
      arg.replace(/(enable-claim-coordinator-leader-election)=true/, "$1=false"),
    );
    const patch = [{ op: "replace", path: "/spec/template/spec/containers/0/args", value: body }];
    await type(
      `kubectl patch deployment -n beskar7-system beskar7-controller --type=json -p '${JSON.stringify(patch)}'`,
    );
    const former = [...playground.stage.pods];
    await type("kubectl rollout restart deployment -n beskar7-system beskar7-controller");
    await rollOut("2");
    assert.match(
      await type("kubectl rollout status deployment -n beskar7-system beskar7-controller"),
      /successfully rolled out/,
    );
    await type("kubectl delete lease -n beskar7-system beskar7-claim-coordinator-leader");

    const controller = await pool.host("another");
    await pool.machine("second");
    await pool.claimInTheEnd(playground.stage.admin, controller.metadata.name, "second");
    const log = await type(
      "kubectl logs -n beskar7-system -l control-plane=beskar7-controller-manager --tail=-1",
    );
    assert.match(log, /"Using fallback coordinator \(no leader or leader election disabled\)"/);
    const lost = former.filter(({ lines }) =>
      lines.some(({ msg }) => msg === "Lost leadership for claim coordination"),
    );
    assert.ok(lost.length > 0);
    assert.equal((await playground.type(LEASE)).code, 1);
  });
});
