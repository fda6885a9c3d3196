import { SERVICE_NAME } from "../../cli/install-names.ts";
import { parseConfig } from "../../config.ts";
import { fieldsOf, listOf, specOf, statusOf, textOf } from "../../hosts/fields.ts";
import type { KubeApi, KubeObject } from "../../kube/api.ts";
import type { ReplicaFacts } from "../snapshot.ts";
import { orNull } from "./reading.ts";
import { PODS, SERVICES } from "./types.ts";

/**
 * The pods behind the registered Service, or those with the service's label where there is no such Service. Those
 * that have ended are left out. Rejects with a KubeError.
 */
export async function readReplicas(
  api: KubeApi,
  { namespace, serviceName }: { namespace: string; serviceName: string },
): Promise<ReplicaFacts[]> {
  const service = await orNull(api.get(SERVICES, { namespace, name: serviceName }));
  const selector = Object.entries(fieldsOf(service === null ? {} : specOf(service).selector));
  const labels = selector.length > 0 ? selector : [["app.kubernetes.io/name", SERVICE_NAME]];
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(",");
  const { items } = await api.list(PODS, { namespace, labelSelector });
  return items.filter(isAlive).map(readReplica);
}

function isAlive(pod: KubeObject): boolean {
  const ended = ["Succeeded", "Failed"].includes(textOf(statusOf(pod).phase));
  return !ended && pod.metadata.deletionTimestamp === undefined;
}

/** Pure: what the pod says of itself. */
export function readReplica(pod: KubeObject): ReplicaFacts {
  const spec = specOf(pod);
  const containers = listOf(spec.containers).map(fieldsOf);
  const container = containers.find(({ name }) => name === "manager") ?? containers[0] ?? {};
  const env = environmentOf(container, pod);
  const words = [...listOf(container.command).slice(1), ...listOf(container.args)].map(textOf);
  const parsed = parseConfig(words, { ...env.values, KUBERNETES_SERVICE_HOST: "in-cluster" });
  const config = parsed.ok ? parsed.config : null;
  const ready = conditionOf(pod, "Ready");
  const onNodesNetwork = spec.hostNetwork === true;
  return {
    pod: pod.metadata.name,
    ready: ready.status === "True",
    notReadyWhy: ready.status === "True" ? "" : textOf(ready.message) || textOf(statusOf(pod).phase),
    serviceAccount: textOf(spec.serviceAccountName) || "default",
    ownName: env.values.POD_NAME || (onNodesNetwork ? textOf(spec.nodeName) : pod.metadata.name),
    nameWrittenOut: env.writtenOut.has("POD_NAME"),
    tokenBound: hasPodToken(spec) && (config === null || config.kubeconfig === ""),
    config,
    flagProblems: parsed.ok ? [] : parsed.problems,
    certificateSecret: config === null ? null : mountedSecret(spec, container, config.webhookCertDir),
  };
}

type Fields = ReturnType<typeof fieldsOf>;

function environmentOf(container: Fields, pod: KubeObject) {
  const values: Record<string, string> = {};
  const writtenOut = new Set<string>();
  for (const { name, value, valueFrom } of listOf(container.env).map(fieldsOf)) {
    const path = textOf(fieldsOf(fieldsOf(valueFrom).fieldRef).fieldPath);
    if (path === "metadata.name") values[textOf(name)] = pod.metadata.name;
    else if (path === "metadata.namespace") values[textOf(name)] = pod.metadata.namespace ?? "";
    else if (textOf(value) !== "") {
      values[textOf(name)] = textOf(value);
      writtenOut.add(textOf(name));
    }
  }
  return { values, writtenOut };
}

/** The API server binds what it mounts by itself to the pod; a token in a Secret is bound to nothing. */
function hasPodToken(spec: Fields): boolean {
  if (spec.automountServiceAccountToken !== false) return true;
  return listOf(spec.volumes).some((volume) =>
    listOf(fieldsOf(fieldsOf(volume).projected).sources).some(
      (source) => fieldsOf(source).serviceAccountToken !== undefined,
    ),
  );
}

function mountedSecret(spec: Fields, container: Fields, folder: string): string | null {
  const mounts = listOf(container.volumeMounts).map(fieldsOf);
  const mount = folder === "" ? undefined : mounts.find(({ mountPath }) => mountPath === folder);
  if (mount === undefined) return null;
  const volume = listOf(spec.volumes)
    .map(fieldsOf)
    .find(({ name }) => name === mount.name);
  return textOf(fieldsOf(volume?.secret).secretName) || null;
}

function conditionOf(object: KubeObject, type: string): Fields {
  return (
    listOf(statusOf(object).conditions)
      .map(fieldsOf)
      .find((condition) => condition.type === type) ?? {}
  );
}
