import type { KubeObject } from "../kube/api.ts";
import { asArray, asObject, isObject, type JsonObject } from "./json.ts";
import { jsonPathCell } from "./json-path.ts";
import { AGE_COLUMN, NAME_COLUMN } from "./resources/columns.ts";
import type { Column, Resource, Subresource } from "./resources/resource.ts";
import type { Schema } from "./schema/schema.ts";

/** The resource types that an established CustomResourceDefinition serves; none before it is established. */
export function customResources(definition: KubeObject): Resource[] {
  if (!isEstablished(definition)) return [];
  const spec = asObject(definition.spec);
  const versions = asArray(spec.versions).map(asObject);
  const stored = versions.find((version) => version.storage === true);
  return versions
    .filter((version) => version.served === true)
    .map((version) => resourceOf(spec, version, `${spec.group}/${stored?.name}`));
}

export function isEstablished(definition: KubeObject): boolean {
  return asArray(asObject(definition.status).conditions).some(
    (each) => asObject(each).type === "Established" && asObject(each).status === "True",
  );
}

function resourceOf(spec: JsonObject, version: JsonObject, storageVersion: string): Resource {
  const names = asObject(spec.names);
  const schema = asObject(version.schema).openAPIV3Schema as Schema | undefined;
  return {
    group: String(spec.group),
    version: String(version.name),
    plural: String(names.plural),
    kind: String(names.kind),
    namespaced: spec.scope === "Namespaced",
    singular: String(names.singular),
    listKind: String(names.listKind),
    shortNames: asArray(names.shortNames).map(String),
    categories: asArray(names.categories).map(String),
    subresources: Object.keys(asObject(version.subresources)) as Subresource[],
    custom: true,
    generation: true,
    createOnUpdate: false,
    unconditionalUpdate: false,
    nameRule: "subdomain",
    selectable: asArray(version.selectableFields).map((each) => String(asObject(each).jsonPath).slice(1)),
    columns: columnsOf(version),
    schema,
    storageVersion,
  };
}

function columnsOf(version: JsonObject): Column[] {
  const declared = asArray(version.additionalPrinterColumns);
  if (declared.length === 0) return [NAME_COLUMN, AGE_COLUMN];
  return [NAME_COLUMN, ...declared.filter(isObject).map(columnOf)];
}

function columnOf(declared: JsonObject): Column {
  const path = String(declared.jsonPath);
  const type = String(declared.type);
  return {
    name: String(declared.name),
    type,
    ...(declared.format === undefined ? {} : { format: String(declared.format) }),
    description: String(
      declared.description ?? `Custom resource definition column (in JSONPath format): ${path}`,
    ),
    ...(declared.priority === undefined ? {} : { priority: Number(declared.priority) }),
    cell: jsonPathCell(path, type),
  };
}

/** The status that the API server's naming and establishing controllers would write. */
export function establishedStatus(definition: KubeObject, nowIso: string): JsonObject {
  const status = asObject(definition.status);
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: "True",
    lastTransitionTime: nowIso,
    reason,
    message,
  });
  return {
    ...status,
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: asObject(definition.spec).names,
  };
}
