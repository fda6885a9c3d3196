import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "../e2e/objects.ts";
import { Rig } from "../e2e/rig.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe("queue, explain and verify against a real API server", {
  skip: await skipWithoutControlPlane("the looking commands on a cluster"),
  timeout: 120_000,
}, () => {
  let rig: Rig;
  let kubeconfig: string;

  before(async () => {
    rig = await Rig.start({ users: [{ name: "reader", groups: [] }] });
    kubeconfig = rig.plane.kubeconfigFile({ user: "admin" });
    const objects = await Objects.in(rig.admin, "team-a");
    await objects.machine("gpu", { waiting: true, annotations: { "beskar7.io/required-tags": "gpu" } });
    await objects.machine("plain", { waiting: true });
    await objects.host("host-1");
  });
  after(() => rig?.stop());

  /** The command as a person runs it: its own process. */
  async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const words = ["src/main.ts", ...args];
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: ROOT });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  it("queue prints who waits and why", async () => {
    const { code, stdout, stderr } = await run("queue", "--kubeconfig", kubeconfig);
    assert.deepEqual([code, stderr], [0, ""]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows[0], ["POSITION", "PRIORITY", "AGE", "CONSUMER", "NEEDS", "WHY"]);
    const reasons = new Map(
      rows.slice(1).map(([, , , consumer, needs, why]) => [consumer, `${needs}: ${why}`]),
    );
    assert.equal(reasons.get("team-a/gpu"), "gpu: no host fits, free or not (it has no label gpu)");
    assert.equal(reasons.get("team-a/plain"), "any host: host host-1 is free for it");
  });

  it("explain answers for a machine and for a host", async () => {
    const ofMachine = await run("explain", "gpu", "-o", "json", "--kubeconfig", kubeconfig);
    assert.deepEqual(JSON.parse(ofMachine.stdout).hosts, [
      { host: "host-1", state: "Free", verdict: "unfit", reasons: ["it has no label gpu"] },
    ]);
    const ofHost = await run("explain", "host/host-1", "--kubeconfig", kubeconfig);
    assert.match(ofHost.stdout, /^Goes to: +Beskar7Machine team-a\/plain$/m);
  });

  it("verify says that a host which nobody claimed has no receipt", async () => {
    const { code, stderr } = await run("verify", "host-1", "--kubeconfig", kubeconfig);
    assert.deepEqual(
      [code, stderr],
      [1, "PhysicalHost team-a/host-1 has no consumer, so there is nothing to verify\n"],
    );
  });

  it("rights in one namespace are enough for that one; without any the API server's own words are printed", async () => {
    await rig.plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings", {
      body: {
        metadata: { name: "reader" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "reader" }],
      },
    });
    const reader = rig.plane.kubeconfigFile({ user: "reader" });
    const inTeamA = await run("queue", "-n", "team-a", "--kubeconfig", reader);
    assert.deepEqual([inTeamA.code, inTeamA.stdout.split("\n").length], [0, 4]);
    const everywhere = await run("queue", "--kubeconfig", reader);
    assert.equal(everywhere.code, 1);
    assert.match(everywhere.stderr, /User "reader" cannot list resource .* at the cluster scope/);
  });
});
