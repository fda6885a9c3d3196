import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { PODS, SERVICES } from "../../src/doctor/collect/types.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";

const FOLDER = new URL("../../manifests/base/", import.meta.url);

function manifest(file: string): KubeObject {
  return parseAllDocuments(readFileSync(new URL(file, FOLDER), "utf8"))[0]!.toJS() as KubeObject;
}

export interface PodChanges {
  /** Added after the Deployment's own; a later flag counts. */
  readonly args?: readonly string[];
  /** POD_NAME written out. */
  readonly podName?: string;
  readonly tokenBound?: boolean;
  readonly ready?: boolean;
  readonly namespace?: string;
}

/** A pod as the Deployment of manifests/base makes it. */
export function replicaPod(name: string, changes: PodChanges = {}): KubeObject {
  const { args = [], podName, tokenBound = true, ready = true, namespace = "beskar7-system" } = changes;
  const { template } = manifest("deployment.yaml").spec as { template: KubeObject };
  const spec = structuredClone(template.spec) as { containers: Container[] };
  const container = spec.containers[0]!;
  container.args = [...container.args, ...args];
  if (podName !== undefined) {
    container.env = container.env.map((entry) =>
      entry.name === "POD_NAME" ? { name: "POD_NAME", value: podName } : entry,
    );
  }
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { ...template.metadata.labels } },
    spec: { ...spec, nodeName: "node-1", automountServiceAccountToken: tokenBound },
    status: {
      phase: "Running",
      conditions: [
        { type: "Ready", status: ready ? "True" : "False", message: ready ? "" : "mirrors: not known yet" },
      ],
    },
  };
}

interface Container {
  args: string[];
  env: { name: string; value?: string; valueFrom?: object }[];
}

/** Creates the Service that chooses the pods. */
export function createService(api: KubeApi): Promise<KubeObject> {
  return api.create(SERVICES, manifest("service.yaml"));
}

/** Stored with its status, as a kubelet would leave it. */
export async function createPod(api: KubeApi, pod: KubeObject): Promise<void> {
  const { status, ...rest } = pod;
  const { namespace, name } = pod.metadata;
  // Nobody would end a pod's grace period here.
  const spec = { ...(rest.spec as object), terminationGracePeriodSeconds: 0 };
  await api.create(PODS, { ...rest, spec });
  await api.patch(PODS, { namespace, name }, { type: "merge", body: { status } }, { subresource: "status" });
}

export async function deletePods(api: KubeApi, namespace = "beskar7-system"): Promise<void> {
  const { items } = await api.list(PODS, { namespace });
  for (const { metadata } of items) await api.delete(PODS, { namespace, name: metadata.name });
}
