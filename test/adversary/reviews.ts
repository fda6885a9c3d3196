import type { KubeObject } from "../../src/kube/api.ts";
import { physicalHost } from "../fixtures/objects.ts";

/** The reference by which a machine of the hosts' namespace holds, or wants, a host. */
export const consumerRef = (name: string) => ({ kind: "Beskar7Machine", namespace: "default", name });

/** What the API server says of the pod that HOLDER names. */
export const HOLDER_USER = {
  username: "system:serviceaccount:beskar7-system:beskar7",
  groups: ["system:serviceaccounts", "system:authenticated"],
  extra: { "authentication.kubernetes.io/pod-name": ["coordinator-0"] },
};

export interface ReviewParts {
  uid?: string;
  userInfo?: unknown;
  /** Who has the host before and who after the write; null for nobody. */
  before?: string | null;
  after?: string | null;
  annotationsBefore?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** An AdmissionReview of one write of a PhysicalHost; by default the holder's claim of a free one. */
export function reviewOf(
  parts: ReviewParts = {},
): Record<string, unknown> & { request: Record<string, unknown> } {
  const { uid = "review-1", userInfo = HOLDER_USER, before = null, after = "machine-1" } = parts;
  const hostOf = (consumer: string | null, annotations: Record<string, string> | undefined): KubeObject =>
    physicalHost({
      name: "host-1",
      namespace: "default",
      uid: "host-uid",
      resourceVersion: "10",
      ...(consumer !== null && { consumerRef: consumerRef(consumer) }),
      ...(annotations && { annotations }),
    });
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid,
      operation: "UPDATE",
      resource: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", resource: "physicalhosts" },
      name: "host-1",
      namespace: "default",
      userInfo: structuredClone(userInfo),
      oldObject: hostOf(before, parts.annotationsBefore),
      object: hostOf(after, parts.annotations ?? parts.annotationsBefore),
      dryRun: false,
    },
  };
}
