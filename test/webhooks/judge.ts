import { encodeIntent } from "../../src/coordinator/intent.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import { profiles } from "../../src/hosts/profiles.ts";
import type { ReviewRequest } from "../../webhooks/review.ts";
import { Judge, type VerdictOptions } from "../../webhooks/verdict.ts";
import { machine } from "../coordinator/builders.ts";
import { physicalHost } from "../fixtures/objects.ts";

/** A judge who knows all that there is to know, where a test does not say otherwise. */
export function newJudge(
  parts: Pick<VerdictOptions, "world" | "holder" | "clock"> & Partial<VerdictOptions>,
): Judge {
  return new Judge({
    rule: { leaseNamespace: "beskar7-system", extraServiceAccounts: [] },
    breakGlassGroups: [],
    profileForResource: (group, resource) =>
      profiles.find(({ hostType }) => hostType.group === group && hostType.plural === resource),
    notReady: () => null,
    caughtUp: async () => true,
    ...parts,
  });
}

/** A pod's claim of host-1 for machine-1; `term`: under which it says that it makes it, null where it says nothing. */
export function claimBy(pod: string, term: string | null): ReviewRequest {
  const oldObject = physicalHost({ name: "host-1", namespace: "default", uid: "uid-host-1" });
  const { apiVersion, kind, namespace, name } = machine("machine-1");
  const annotations =
    term === null ? {} : encodeIntent({ term, hosts: "10", requests: "5", machines: "7", nonce: "n" });
  const { group, version, plural } = physicalHostProfile.hostType;
  return {
    uid: "r1",
    operation: "UPDATE",
    group,
    version,
    resource: plural,
    subresource: "",
    namespace: "default",
    name: "host-1",
    dryRun: false,
    userInfo: {
      username: "system:serviceaccount:beskar7-system:coordinator",
      groups: [],
      extra: { "authentication.kubernetes.io/pod-name": [pod] },
    },
    object: {
      ...oldObject,
      metadata: { ...oldObject.metadata, annotations },
      spec: { ...(oldObject.spec as object), consumerRef: { apiVersion, kind, namespace, name } },
    },
    oldObject,
  };
}
