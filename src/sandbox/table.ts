import type { KubeObject } from "../kube/api.ts";
import { AGE_COLUMN, NAME_COLUMN } from "./resources/columns.ts";
import type { Resource } from "./resources/resource.ts";

/** What an Accept header asks of the representation. */
export interface Representation {
  readonly as: "object" | "table" | "metadata";
  /** Whether rows and events carry whole objects: `includeObject=Object`. */
  readonly includeObject: "None" | "Metadata" | "Object";
}

/** Reads the first media type of an Accept header that the sandbox can produce. */
export function parseAccept(accept: string | undefined, query: URLSearchParams): Representation {
  const include = query.get("includeObject");
  const includeObject = include === "None" || include === "Object" ? include : "Metadata";
  for (const type of (accept ?? "").split(",")) {
    if (!type.includes("application/json")) continue;
    if (/;\s*as=Table\b/.test(type)) return { as: "table", includeObject };
    if (/;\s*as=PartialObjectMetadata(List)?\b/.test(type)) return { as: "metadata", includeObject };
    if (!type.includes("as=")) break;
  }
  return { as: "object", includeObject };
}

export function partialMetadata(object: KubeObject): KubeObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

/** meta.k8s.io/v1 Table: how kubectl gets the columns it prints. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  metadata: Record<string, unknown>,
  representation: Representation,
  nowMs: number,
): KubeObject {
  const columns = resource.columns.length > 0 ? resource.columns : [NAME_COLUMN, AGE_COLUMN];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: metadata as unknown as KubeObject["metadata"],
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column.format ?? "",
      description: column.description ?? "",
      priority: column.priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, nowMs)),
      ...(representation.includeObject === "None"
        ? {}
        : { object: representation.includeObject === "Object" ? object : partialMetadata(object) }),
    })),
  };
}
