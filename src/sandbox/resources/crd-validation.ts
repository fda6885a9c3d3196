import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, isObject, type JsonObject } from "../json.ts";
import { type FieldError, invalidValue, notSupported, requiredValue } from "../status.ts";

/** What the sandbox relies on in a CustomResourceDefinition; structural schema rules are taken on trust. */
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
  const versions = asArray(spec.versions).map(asObject);
  if (versions.filter((version) => version.storage === true).length !== 1) {
    const why = "must have exactly one version marked as storage version";
    errors.push(
      invalidValue(
        "spec.versions",
        versions.map((version) => version.name),
        why,
      ),
    );
  }
  versions.forEach((version, index) => {
    errors.push(...validateVersion(version, `spec.versions[${index}]`));
  });
  if (old !== undefined) errors.push(...validateUnchanged(spec, asObject(old.spec)));
  return errors;
}

function validateVersion(version: JsonObject, path: string): FieldError[] {
  const schema = asObject(version.schema).openAPIV3Schema;
  if (!isObject(schema)) return [requiredValue(`${path}.schema.openAPIV3Schema`, "schemas are required")];
  if (schema.type !== "object") {
    const field = `${path}.schema.openAPIV3Schema.type`;
    return schema.type === undefined
      ? [requiredValue(field, "must not be empty at the root")]
      : [invalidValue(field, schema.type, "must be object at the root")];
  }
  return [];
}

/** An established name, group and scope can't change any more. */
function validateUnchanged(spec: JsonObject, old: JsonObject): FieldError[] {
  return ["group", "scope"]
    .filter((field) => spec[field] !== old[field])
    .map((field) => invalidValue(`spec.${field}`, spec[field], "field is immutable"));
}
