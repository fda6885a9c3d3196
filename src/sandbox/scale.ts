import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { asObject, getPath } from "./json.ts";
import { getObject, json } from "./reads.ts";
import type { ApiResponse, RequestInfo } from "./request.ts";
import type { Resource } from "./resources/resource.ts";
import { methodNotAllowed } from "./status.ts";

/** The scale subresource, to be read: nothing in the sandbox scales anything. */
export function answerScale(core: Core, resource: Resource, info: RequestInfo): ApiResponse {
  if (info.verb !== "get") throw methodNotAllowed(resource, info.verb);
  const object = getObject(core, resource, info).body as KubeObject;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = Object.entries(asObject(getPath(object, ["spec", "selector", "matchLabels"])));
  return json(200, {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: asObject(object.spec).replicas },
    status: {
      replicas: asObject(object.status).replicas ?? 0,
      selector: selector.map(([key, value]) => `${key}=${value}`).join(","),
    },
  });
}
