import { createHash } from "node:crypto";
import type { Core } from "./core.ts";
import type { ApiResponse } from "./request.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import type { Schema } from "./schema/schema.ts";

/** `/openapi/v3` and the document of each group and version: as much as kubectl explain and validate read. */
export function openApiDocument(core: Core, path: string): ApiResponse | undefined {
  if (path === "/openapi/v2") return EMPTY_V2;
  if (/^\/openapi\/v3\/?$/.test(path)) return answer({ paths: index(core) });
  const match = /^\/openapi\/v3\/(api\/v1|apis\/[^/]+\/[^/]+)$/.exec(path);
  const resources = match === null ? [] : servedAt(core, match[1] as string);
  return resources.length === 0 ? undefined : answer(documentOf(resources));
}

const V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** Old clients, and kubectl for kinds it can't find, ask for version 2 in protobuf: no bytes are an empty document. */
const EMPTY_V2: ApiResponse = { code: 200, headers: { "content-type": V2_TYPE }, body: "" };

function answer(body: unknown): ApiResponse {
  return { code: 200, headers: {}, body };
}

const rootOf = (resource: Resource) =>
  resource.group === "" ? `api/${resource.version}` : `apis/${apiVersionOf(resource)}`;

function servedAt(core: Core, root: string): Resource[] {
  return core.registry.all().filter((resource) => rootOf(resource) === root);
}

/** The hash in each address changes with the document, so that clients may cache it for ever. */
function index(core: Core): Record<string, { serverRelativeURL: string }> {
  const roots = new Set(core.registry.all().map(rootOf));
  return Object.fromEntries(
    [...roots].map((root) => {
      const text = JSON.stringify(documentOf(servedAt(core, root)));
      const hash = createHash("sha256").update(text).digest("hex").toUpperCase();
      return [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }];
    }),
  );
}

function documentOf(resources: readonly Resource[]): unknown {
  const paths: Record<string, unknown> = {};
  const schemas: Record<string, unknown> = { [OBJECT_META]: objectMeta };
  for (const resource of resources) {
    const { group, version, kind } = resource;
    const gvk = [{ group, version, kind }];
    schemas[schemaName(resource)] = { ...objectSchema(resource), "x-kubernetes-group-version-kind": gvk };
    const within = resource.namespaced ? "/namespaces/{namespace}" : "";
    paths[`/${rootOf(resource)}${within}/${resource.plural}/{name}`] = pathItem(resource);
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.36.0" },
    paths,
    components: { schemas },
  };
}

const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

const objectMeta = {
  type: "object",
  description: "Metadata that all stored objects have.",
  properties: {
    annotations: { type: "object", additionalProperties: { type: "string" } },
    creationTimestamp: { type: "string", format: "date-time" },
    deletionGracePeriodSeconds: { type: "integer" },
    deletionTimestamp: { type: "string", format: "date-time" },
    finalizers: { type: "array", items: { type: "string" } },
    generateName: { type: "string" },
    generation: { type: "integer" },
    labels: { type: "object", additionalProperties: { type: "string" } },
    managedFields: { type: "array", items: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    name: { type: "string" },
    namespace: { type: "string" },
    ownerReferences: {
      type: "array",
      items: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    resourceVersion: { type: "string" },
    selfLink: { type: "string" },
    uid: { type: "string" },
  },
};

/** `io.beskar7.claims.v1alpha1.ClaimRequest`: the group reversed, as the API server names schemas. */
function schemaName({ group, version, kind }: Resource): string {
  const reversed = (group || "api.core.k8s.io").split(".").reverse().join(".");
  return `${reversed}.${version}.${kind}`;
}

function objectSchema(resource: Resource): Schema & Record<string, unknown> {
  const schema = resource.schema ?? { type: "object" as const, "x-kubernetes-preserve-unknown-fields": true };
  return {
    ...schema,
    properties: {
      apiVersion: {
        type: "string",
        description:
          "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
      },
      kind: {
        type: "string",
        description:
          "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
      },
      ...schema.properties,
      metadata: {
        description:
          "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        allOf: [{ $ref: `#/components/schemas/${OBJECT_META}` } as Schema],
      },
    },
  };
}

/** Verbs with the kind they act on: where kubectl learns whether fieldValidation is understood. */
function pathItem(resource: Resource): unknown {
  const { group, version, kind } = resource;
  const schema = { $ref: `#/components/schemas/${schemaName(resource)}` };
  const query = (name: string) => ({ name, in: "query", schema: { type: "string", uniqueItems: true } });
  const operation = (action: string) => ({
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group, version, kind },
    parameters: ["dryRun", "fieldManager", "fieldValidation"].map(query),
    responses: { "200": { description: "OK", content: { "application/json": { schema } } } },
  });
  return {
    get: operation("get"),
    put: operation("put"),
    patch: operation("patch"),
    delete: operation("delete"),
  };
}
