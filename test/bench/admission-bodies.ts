import type { KubeObject } from "../../src/kube/api.ts";
import { physicalHost, uidOf } from "../fixtures/objects.ts";

export const HOLDER = "coordinator-0_6b0c1f5e-2f4e-4d58-9a53-1f5a3a0f9d11";

/** A free host of 3 KB, as an inspection leaves it. */
export function reviewHost(index: number): KubeObject {
  return physicalHost({
    name: `host-${index}`,
    namespace: "default",
    uid: uidOf(`host-${index}`),
    resourceVersion: String(1_000 + index),
    size: "3KB",
  });
}

/** The AdmissionReview of the holder's claim of that host: about 7 KB. */
export function claimReview(index: number): string {
  const oldObject = reviewHost(index);
  const consumerRef = { kind: "Beskar7Machine", namespace: "default", name: `machine-${index}` };
  const object = { ...oldObject, spec: { ...(oldObject.spec as object), consumerRef } };
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: uidOf(`review-${index}`),
      kind: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", kind: "PhysicalHost" },
      resource: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", resource: "physicalhosts" },
      name: oldObject.metadata.name,
      namespace: "default",
      operation: "UPDATE",
      userInfo: {
        username: "system:serviceaccount:beskar7-system:beskar7",
        uid: uidOf("account"),
        groups: ["system:serviceaccounts", "system:serviceaccounts:beskar7-system", "system:authenticated"],
        extra: {
          "authentication.kubernetes.io/pod-name": ["coordinator-0"],
          "authentication.kubernetes.io/pod-uid": [uidOf("pod")],
        },
      },
      object,
      oldObject,
      dryRun: false,
      options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "manager" },
    },
  });
}
