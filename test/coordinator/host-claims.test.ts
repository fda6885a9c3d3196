import assert from "node:assert/strict";
import { test } from "node:test";
import { Bindings } from "../../src/coordinator/binding.ts";
import { Processor } from "../../src/coordinator/processor.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import { bareMetalHostProfile } from "../../src/hosts/bare-metal-host.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { BARE_METAL_HOSTS, CLAIM_REQUESTS, HOST_CLAIMS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { newClaimRequest, readClaimRequest } from "../../src/requests/claim-request.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";
import { consumerOf, Objects } from "../e2e/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { newWorld } from "./builders.ts";

const NAMESPACE = "default";

function hostClaimDefinition() {
  const { group, version, plural, kind } = HOST_CLAIMS;
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}

interface Given {
  /** The kind of HostClaim is installed. */
  served: boolean;
  /** uid in the reference: that of the object, another one, or none. */
  uid?: "same" | "other";
  exists?: boolean;
  apiVersion?: string;
  forbidden?: boolean;
}

/** Who holds the only host, and whether the request is still there, once a leader has worked on a HostClaim's. */
async function outcome(given: Given): Promise<{ holder: string; requests: number }> {
  const clock = new FakeClock();
  const core = createCore({
    clock,
    authorize: () => true,
    callWebhook: async () => assert.fail("no webhook is registered"),
    crds: [...sandboxCrds(), claimRequestDefinition(), ...(given.served ? [hostClaimDefinition()] : [])],
  });
  const whole = createSandboxApi(core, ADMIN);
  const api: KubeApi = {
    ...whole,
    create: (...asked) => whole.create(...asked),
    patch: (...asked) => whole.patch(...asked),
    list: (...asked) => whole.list(...asked),
    delete: (...asked) => whole.delete(...asked),
    get: async (type, key, call) => {
      if (given.forbidden && type.kind === HOST_CLAIMS.kind)
        throw new KubeError("KUBE_STATUS", "no", FORBIDDEN);
      return whole.get(type, key, call);
    },
  };
  const apiVersion = given.apiVersion ?? "metal3.io/v1alpha1";
  const made = given.exists
    ? await api.create(HOST_CLAIMS, {
        apiVersion: "metal3.io/v1alpha1",
        kind: "HostClaim",
        metadata: { namespace: NAMESPACE, name: "mine" },
      })
    : null;
  const uids = { same: made?.metadata.uid ?? "", other: "of-the-former" };
  const uid = given.uid === undefined ? "" : uids[given.uid];
  const consumer = { apiVersion, kind: "HostClaim", namespace: NAMESPACE, name: "mine", uid };
  const { uid: _, ...reference } = consumer;
  const consumerRef = uid === "" ? reference : consumer;
  const world = newWorld();
  const request = await api.create(
    CLAIM_REQUESTS,
    newClaimRequest({ consumer, consumerRef, hostKind: "BareMetalHost" }),
  );
  world.setRequest(readClaimRequest(request));
  const key = { namespace: NAMESPACE, name: "host" };
  await new Objects(api, NAMESPACE).bareMetalHost("host");
  world.setHost(bareMetalHostProfile.readHost(await api.get(BARE_METAL_HOSTS, key)));
  const recorder = new Recorder({ api, world, profileFor: profileForKind });
  const end = new AbortController();
  const processor = new Processor({
    api,
    world,
    bindings: new Bindings({ api, world, recorder, profileFor: profileForKind }),
    clock,
    log: silentLog,
    random: () => 0.5,
    profileFor: profileForKind,
    term: () => ({ leaseUid: "u1", leaseTransitions: 0, holderIdentity: "pod-a_1" }),
    seen: () => ({ hosts: "10", requests: "5", machines: "7" }),
    parallelism: 1,
    onResult() {},
  });
  processor.start(end.signal);
  await clock.advance(100);
  end.abort();
  const { items } = await api.list(CLAIM_REQUESTS, { namespace: NAMESPACE });
  const requests = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length;
  return { holder: consumerOf(await api.get(BARE_METAL_HOSTS, key)), requests };
}

const FORBIDDEN = {
  status: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "Forbidden",
    code: 403,
  },
} as const;
const BOUND = { holder: "mine", requests: 1 };
const ENDED = { holder: "", requests: 0 };

const CASES: Record<string, { given: Given; wanted: object }> = {
  "that exists is bound": { given: { served: true, exists: true, uid: "same" }, wanted: BOUND },
  "that exists is bound, its reference without a uid": {
    given: { served: true, exists: true },
    wanted: BOUND,
  },
  "that does not exist gets no host, and its request ends": { given: { served: true }, wanted: ENDED },
  "that was made again is another's": { given: { served: true, exists: true, uid: "other" }, wanted: ENDED },
  "whose kind is not served is bound": { given: { served: false }, wanted: BOUND },
  "whose version is not served is bound": {
    given: { served: true, apiVersion: "metal3.io/v1beta1" },
    wanted: BOUND,
  },
  "whose reference has no such version is bound": {
    given: { served: true, apiVersion: "metal3.io/v1alpha1/.." },
    wanted: BOUND,
  },
  "that may not be read is bound": { given: { served: true, forbidden: true }, wanted: BOUND },
};

for (const [which, { given, wanted }] of Object.entries(CASES)) {
  test(`a HostClaim ${which}`, async () => assert.deepEqual(await outcome(given), wanted));
}
