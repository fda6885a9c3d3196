import { expectOk, type Json } from "../controlplane/index.ts";
import type { Target } from "./target.ts";
import { openWatch } from "./watch.ts";

export const GROUP = "conformance.beskar7.io";
export const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** A custom resource in the manner of a PhysicalHost: spec, status subresource, printer columns. */
export const WIDGET_DEFINITION: Json = definition("widgets", "Widget", {
  subresources: { status: {} },
  additionalPrinterColumns: [
    { name: "Color", type: "string", jsonPath: ".spec.color" },
    { name: "Size", type: "integer", jsonPath: ".spec.size" },
    { name: "Phase", type: "string", jsonPath: ".status.phase", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  selectableFields: [{ jsonPath: ".spec.color" }],
  schema: {
    openAPIV3Schema: {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: {
            color: { type: "string", enum: ["red", "green", "blue"], description: "What it looks like." },
            size: { type: "integer", minimum: 1, maximum: 100, default: 1 },
            tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
            ports: {
              type: "array",
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": ["name"],
              items: {
                type: "object",
                required: ["name"],
                properties: { name: { type: "string" }, number: { type: "integer" } },
              },
            },
            consumerRef: {
              type: "object",
              properties: {
                kind: { type: "string" },
                namespace: { type: "string" },
                name: { type: "string" },
              },
            },
            free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          },
        },
        status: {
          type: "object",
          properties: { phase: { type: "string" }, count: { type: "integer" } },
        },
      },
    },
  },
});

/** A namespaced CustomResourceDefinition of one version, v1, unless `spec` says otherwise. */
export function definition(plural: string, kind: string, version: Json, spec: Json = {}): Json {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${spec.group ?? GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, ...version }],
      ...spec,
    },
  };
}

/** Creates it and waits until its objects can be created. */
export async function establish(target: Target, crd: Json): Promise<void> {
  const created = expectOk(await target.call("POST", DEFINITIONS, { body: crd }));
  const { name, resourceVersion } = created.metadata;
  const watch = await openWatch(
    target.call,
    `${DEFINITIONS}?watch=true&fieldSelector=metadata.name%3D${name}&resourceVersion=${resourceVersion}`,
  );
  const isEstablished = (object: Json) =>
    (object.status?.conditions ?? []).some((c: Json) => c.type === "Established" && c.status === "True");
  if (!isEstablished(created)) await watch.takeUntil(({ object }) => isEstablished(object));
  watch.close();
  // The API server serves it a moment after it says so.
  const { group, names, versions } = crd.spec;
  const path = `/apis/${group}/${versions[0].name}/${names.plural}`;
  while ((await target.call("GET", `${path}?limit=1`)).code !== 200) {}
}

export function widgets(namespace: string, name = ""): string {
  return `/apis/${GROUP}/v1/namespaces/${namespace}/widgets${name && `/${name}`}`;
}

export function widget(name: string, spec: Json = { color: "red" }, metadata: Json = {}): Json {
  return { apiVersion: `${GROUP}/v1`, kind: "Widget", metadata: { name, ...metadata }, spec };
}

export function leases(namespace: string, name = ""): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases${name && `/${name}`}`;
}

export function lease(name: string, spec: Json, metadata: Json = {}): Json {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, ...metadata }, spec };
}
