import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { poolKey } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { fits } from "../../src/claims/requirements.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import { bareMetalHost, metal3Machine } from "../fixtures/objects.ts";

const metal3 = profileForKind("BareMetalHost")!;
const NODE_REUSE = "infrastructure.cluster.x-k8s.io/node-reuse";
const FAILURE_DOMAIN = "infrastructure.cluster.x-k8s.io/failure-domain";

describe("a Metal3Machine", () => {
  const GROUPS: [group: string, labels: Record<string, string>, mayHave: string[]][] = [
    ["a machine deployment", { "cluster.x-k8s.io/deployment-name": "workers" }, ["", "md-workers"]],
    [
      "a control plane",
      { "cluster.x-k8s.io/control-plane-name": "workers", "cluster.x-k8s.io/control-plane": "" },
      ["", "cp-workers", "kcp-workers"],
    ],
    ["no group that is known", {}, [""]],
  ];
  for (const [group, labels, mayHave] of GROUPS) {
    it(`of ${group} fits no host that is kept for another group, and keeps the simplicity bonus`, () => {
      const machine = metal3.readMachine(metal3Machine({ labels }));
      const kept = ["", "md-workers", "md-gpu", "cp-workers", "kcp-workers", "cp-other"];
      const fitting = kept.filter((value) => {
        const keptLabels: Record<string, string> = value === "" ? {} : { [NODE_REUSE]: value };
        return fits(machine.requirements, metal3.readHost(bareMetalHost({ labels: keptLabels })));
      });
      assert.deepEqual(fitting, mayHave);
      assert.equal(machine.bonusPoints, 50);
    });
  }

  it("prefers its failure domain and whatever it names itself, but to no host that is kept for its group", () => {
    const machine = metal3.readMachine(
      metal3Machine({
        failureDomain: "rack-1",
        labels: { "cluster.x-k8s.io/deployment-name": "workers" },
        annotations: { "beskar7.io/preferred-tags": "gpu,nvme" },
      }),
    );
    const queue = new ClaimQueue();
    const zone = { [FAILURE_DOMAIN]: "rack-1" };
    const kept = { [NODE_REUSE]: "md-workers" };
    const labelsOf = {
      a: { gpu: "", nvme: "" },
      b: { ...zone, gpu: "", nvme: "" },
      c: kept,
      d: { ...kept, ...zone },
    };
    const hosts = Object.entries(labelsOf).map(([name, labels]) =>
      metal3.readHost(bareMetalHost({ name, labels })),
    );
    for (const host of hosts) queue.setHost(host);
    const { kind, namespace, name, uid, createdAtMs, bonusPoints, requirements } = machine;
    const consumer = { apiVersion: "", kind, namespace, name, uid };
    const pool = poolKey("BareMetalHost", namespace);
    queue.setClaim({ id: name, consumer, pool, uid, createdAtMs, bonusPoints, requirements });
    const chosen: string[] = [];
    for (let uid = queue.choose(name); uid !== null; uid = queue.choose(name)) {
      chosen.push(hosts.find((host) => host.uid === uid)!.name);
      queue.removeHost(uid);
    }
    assert.deepEqual(chosen, ["d", "c", "b", "a"]);
  });
});
