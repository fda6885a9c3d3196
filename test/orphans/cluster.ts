import assert from "node:assert/strict";
import type { Host } from "../../src/claims/claim.ts";
import { Orphans } from "../../src/coordinator/orphans.ts";
import type { World } from "../../src/coordinator/world.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import { MODE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { profileForKind, profileForMachineKind } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { silentLog } from "../../src/log.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";
import { newWorld } from "../coordinator/builders.ts";
import { Objects } from "../e2e/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";

const NAMESPACE = "default";

/** An API server without sockets on a clock of its own, and what a replica knows of it: what a test shows it. */
export interface OrphansCluster {
  readonly clock: FakeClock;
  readonly api: KubeApi;
  readonly objects: Objects;
  readonly world: World;
  /** A host that names this consumer, shown to the world. */
  held(host: string, consumerRef: Record<string, string>): Promise<void>;
  /** Shows the world the host, or the machine, as it is stored now. */
  show(host: string): Promise<void>;
  showMachine(machine: KubeObject): void;
  /** Names of hosts that it reports go to `reported`. */
  orphans(options: { release: boolean; reported?: string[] }): Orphans;
}

export function orphansCluster(): OrphansCluster {
  const clock = new FakeClock();
  const core = createCore({
    clock,
    authorize: () => true,
    callWebhook: async () => assert.fail("no webhook is registered"),
    crds: [...sandboxCrds(), claimRequestDefinition()],
  });
  const api = createSandboxApi(core, ADMIN);
  const objects = new Objects(api, NAMESPACE);
  const world = newWorld();
  const show = async (name: string) =>
    world.setHost(physicalHostProfile.readHost(await objects.getHost(name)));
  return {
    clock,
    api,
    objects,
    world,
    show,
    async held(name, consumerRef) {
      const annotations = { [MODE_ANNOTATION]: "leader", "example.com/rack": "7" };
      await objects.host(name, { consumerRef, annotations });
      await show(name);
    },
    showMachine: (machine) => world.setMachine(physicalHostProfile.readMachine(machine)),
    orphans: ({ release, reported = [] }) =>
      new Orphans({
        api,
        world,
        clock,
        log: silentLog,
        profileFor: profileForKind,
        profileForMachine: profileForMachineKind,
        release,
        onOrphan: (host: Host) => void reported.push(host.name),
      }),
  };
}
