import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, equal, isObject, type JsonObject } from "../json.ts";
import type { Schema } from "../schema/schema.ts";
import { checkSchema } from "../schema/schema-check.ts";
import { type FieldError, invalidValue, notSupported, requiredValue } from "../status.ts";

/** What the sandbox relies on in a CustomResourceDefinition. */
export function validateCustomResourceDefinition(
  object: KubeObject,
  old: KubeObject | undefined,
): FieldError[] {
  const spec = asObject(object.spec);
  const names = asObject(spec.names);
  const errors: FieldError[] = [];
  const wanted = `${names.plural}.${spec.group}`;
  if (object.metadata.name !== wanted) {
    errors.push(
      invalidValue("metadata.name", object.metadata.name, 'must be spec.names.plural+"."+spec.group'),
    );
  }
  if (!spec.group) errors.push(requiredValue("spec.group"));
  if (!names.plural) errors.push(requiredValue("spec.names.plural"));
  if (!names.kind) errors.push(requiredValue("spec.names.kind"));
  if (spec.scope !== "Namespaced" && spec.scope !== "Cluster") {
    errors.push(notSupported("spec.scope", spec.scope ?? "", ["Cluster", "Namespaced"]));
  }
  errors.push(...validateVersions(asArray(spec.versions).map(asObject)));
  if (old !== undefined) errors.push(...validateUnchanged(spec, asObject(old.spec)));
  return errors;
}

function validateVersions(versions: readonly JsonObject[]): FieldError[] {
  const errors: FieldError[] = [];
  if (versions.filter((version) => version.storage === true).length !== 1) {
    const why = "must have exactly one version marked as storage version";
    errors.push(invalidValue("spec.versions", versions.map(shownVersion), why));
    const stored = invalidValue("status.storedVersions", null, "must have at least one stored version");
    if (!versions.some((version) => version.storage === true)) errors.push(stored);
  }
  const [first, ...others] = versions.map((version) => asObject(version.schema).openAPIV3Schema);
  // One schema for all versions is held at the top of the API server's internal form, and named so.
  const shared = others.every((each) => equal(each, first));
  versions.forEach((version, index) => {
    const schema = asObject(version.schema).openAPIV3Schema;
    const own = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (!isObject(schema)) errors.push(requiredValue(own));
    else if (!shared) errors.push(...checkSchema(schema as Schema, own));
    else if (index === 0) errors.push(...checkSchema(schema as Schema, "spec.validation.openAPIV3Schema"));
  });
  return errors;
}

/** As Go prints the struct, without what a version with one schema for all has elsewhere. */
function shownVersion({ name, served, storage }: JsonObject): JsonObject {
  return {
    Name: name,
    Served: served === true,
    Storage: storage === true,
    Deprecated: false,
    DeprecationWarning: null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  };
}

/** An established name, group and scope can't change any more. */
function validateUnchanged(spec: JsonObject, old: JsonObject): FieldError[] {
  return ["group", "scope"]
    .filter((field) => spec[field] !== old[field])
    .map((field) => invalidValue(`spec.${field}`, spec[field], "field is immutable"));
}
