import assert from "node:assert/strict";
import type { Host } from "../../src/claims/claim.ts";
import { Bindings, type Taking } from "../../src/coordinator/binding.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import { CLAIM_REQUESTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { type ClaimRequest, readClaimRequest } from "../../src/requests/claim-request.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";
import { Objects } from "../e2e/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { newWorld } from "./builders.ts";

export const NAMESPACE = "default";

/** An API server without sockets, and a replica's world, which sees only what the test shows it. */
export async function setUp(...hostNames: string[]) {
  const clock = new FakeClock();
  const core = createCore({
    clock,
    authorize: () => true,
    callWebhook: async () => assert.fail("no webhook is registered"),
    crds: [...sandboxCrds(), claimRequestDefinition()],
  });
  const api = createSandboxApi(core, ADMIN);
  const world = newWorld();
  const recorder = new Recorder({ api, world, profileFor: profileForKind });
  const bindings = new Bindings({ api, world, recorder, profileFor: profileForKind });
  const objects = new Objects(api, NAMESPACE);
  const object = await objects.machine("machine-1");
  const { apiVersion, kind, namespace, name, uid } = physicalHostProfile.readMachine(object);
  const consumer = { apiVersion, kind, namespace, name, uid };
  const applicant = {
    consumer,
    consumerRef: { ...consumer },
    hostKind: "PhysicalHost",
    namespace: NAMESPACE,
  };
  for (const hostName of hostNames) await objects.host(hostName);
  const host = async (hostName: string): Promise<Host> =>
    physicalHostProfile.readHost(await api.get(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: hostName }));
  const taking = async (hostName: string, changes: Partial<Taking> = {}): Promise<Taking> => ({
    ...applicant,
    host: await host(hostName),
    term: "",
    ...changes,
  });
  const take = async (hostName: string, changes: Partial<Taking> = {}) =>
    bindings.take(await taking(hostName, changes));
  const request = async (): Promise<ClaimRequest> => {
    const key = { namespace: NAMESPACE, name: "beskar7machine-machine-1" };
    return readClaimRequest(await api.get(CLAIM_REQUESTS, key));
  };
  const merge = (hostName: string, body: object) =>
    api.patch(PHYSICAL_HOSTS, { namespace: NAMESPACE, name: hostName }, { type: "merge", body });
  const claim = (hostName: string) => merge(hostName, { spec: { consumerRef: { ...consumer } } });
  const status = async (body: object) => {
    const { namespace, name } = await request();
    const patch = { type: "merge", body: { status: body } } as const;
    world.setRequest(
      readClaimRequest(
        await api.patch(CLAIM_REQUESTS, { namespace, name }, patch, { subresource: "status" }),
      ),
    );
  };
  return {
    clock,
    api,
    applicant,
    bindings,
    claim,
    consumer,
    host,
    merge,
    recorder,
    request,
    status,
    take,
    world,
  };
}
