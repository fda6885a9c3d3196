import type { World } from "../../src/coordinator/world.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { bareMetalHost } from "../fixtures/objects.ts";
import { decision, delegated } from "../queue/decisions.ts";
import { bindingTo, host, machine, request } from "../queue/objects.ts";
import { minutesAgo, NOW_MS, worldOf } from "../queue/world.ts";
import type { QueueDoor } from "./queue-door.ts";

/** A cluster in which every kind of thing happens that the status page shows. */
export function busyWorld(): World {
  const inA = { namespace: "team-a" };
  const objects: KubeObject[] = [
    machine("gpu-train-0", {
      ...inA,
      creationTimestamp: minutesAgo(190),
      annotations: { "beskar7.io/required-tags": "gpu", "beskar7.io/preferred-tags": "nvme" },
    }),
    machine("control-plane-1", { ...inA, creationTimestamp: minutesAgo(42) }),
    machine("worker-7", {
      ...inA,
      creationTimestamp: minutesAgo(12),
      hardwareRequirements: { minCPUCores: 32 },
    }),
    machine("worker-8", { ...inA, creationTimestamp: minutesAgo(11) }),
    machine("worker-9", { ...inA, creationTimestamp: minutesAgo(3) }),
    request("worker-9", { ...inA, status: bindingTo("rack-1-node-06", "team-a") }),
    machine("old-paused", {
      ...inA,
      creationTimestamp: minutesAgo(400),
      annotations: { "cluster.x-k8s.io/paused": "" },
    }),
    machine("edge-0", { namespace: "team-b", creationTimestamp: minutesAgo(1) }),
    host("rack-1-node-04", inA),
    host("rack-1-node-05", { ...inA, state: "Error" }),
    host("rack-1-node-06", inA),
    host("rack-1-node-07", { ...inA, state: "Inspecting", labels: { gpu: "" } }),
    bareMetalHost({ name: "metal-0", namespace: "team-b", uid: "metal-0" }),
    bareMetalHost({ name: "metal-1", namespace: "team-b", uid: "metal-1", state: "provisioning" }),
  ];
  for (let i = 0; i < 9; i++) {
    const name = `db-${i}`;
    objects.push(machine(name, { ...inA, waiting: false }));
    objects.push(
      host(`rack-2-node-0${i}`, {
        ...inA,
        state: "InUse",
        consumerRef: { kind: "Beskar7Machine", name: i === 8 ? "gone" : name, namespace: "team-a" },
      }),
    );
  }
  return worldOf(...objects);
}

/** Decisions, elections and durations, as a replica that has run for a while has seen them. */
export function liveThrough(door: QueueDoor): void {
  const { decisions, leaders, bindings } = door;
  const by = (name: string) => ({
    consumer: { apiVersion: "", kind: "Beskar7Machine", namespace: "team-a", name, uid: "" },
    namespace: "team-a",
  });
  leaders.note("new_leader", "coordinator-2_0d0c7a52-6f0e-4d4e-9a55-0e8ad4c3d1b1", NOW_MS - 3_600_000);
  leaders.note("new_leader", "coordinator-0_1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", NOW_MS - 754_000);
  decisions.note(decision({ ...by("db-3"), host: "rack-2-node-03", atMs: NOW_MS - 300_000, tookMs: 0.31 }));
  for (let i = 0; i < 4; i++) {
    decisions.note(
      delegated({ ...by("worker-7"), host: "rack-1-node-04", atMs: NOW_MS - 60_000, tookMs: 0.4 + i }),
    );
  }
  decisions.note(
    decision({
      ...by("db-4"),
      host: "rack-2-node-04",
      mode: "optimistic",
      atMs: NOW_MS - 20_000,
      tookMs: 0.2,
    }),
  );
  decisions.note(decision({ ...by("db-4"), webhook: "mutate", tookMs: 0.18 }));
  for (const ms of [31, 44, 38, 120]) bindings.note(ms);
}
