import type { KubeObject } from "../../kube/api.ts";
import { compileMatchCondition } from "../admission/match-conditions.ts";
import { celErrorMessage } from "../cel.ts";
import { asArray, asObject, equal, getPath, isObject, type JsonObject } from "../json.ts";
import { type FieldError, forbiddenValue, invalidValue, notSupported, requiredValue } from "../status.ts";
import { validateCustomResourceDefinition } from "./crd-validation.ts";

type Validation = (object: KubeObject, old: KubeObject | undefined) => FieldError[];

/** The checks of built-in kinds that clients of this project can run into; the rest is stored as it comes. */
export const VALIDATIONS: Readonly<Record<string, Validation>> = {
  ClusterRoleBinding: validateBinding,
  ConfigMap: validateDataKeys,
  CustomResourceDefinition: validateCustomResourceDefinition,
  Deployment: (object) => [
    ...required(object, "spec.selector"),
    ...required(object, "spec.template.spec.containers"),
  ],
  Event(object) {
    const { namespace } = object.metadata;
    const about = asObject(object.involvedObject).namespace ?? "";
    // Objects of the cluster have their events in the default namespace.
    if (about === namespace || (about === "" && namespace === "default")) return [];
    return [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
  },
  Lease(object) {
    const { leaseDurationSeconds, leaseTransitions } = asObject(object.spec);
    const errors: FieldError[] = [];
    if (typeof leaseDurationSeconds === "number" && leaseDurationSeconds <= 0) {
      errors.push(invalidValue("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
    }
    if (typeof leaseTransitions === "number" && leaseTransitions < 0) {
      const why = "must be greater than or equal to 0";
      errors.push(invalidValue("spec.leaseTransitions", leaseTransitions, why));
    }
    return errors;
  },
  MutatingWebhookConfiguration: validateWebhooks,
  Pod: (object) => required(object, "spec.containers"),
  RoleBinding: validateBinding,
  Secret: (object, old) => [...validateDataKeys(object, old), ...validateSecretType(object, old)],
  ValidatingWebhookConfiguration: validateWebhooks,
};

function required(object: KubeObject, path: string): FieldError[] {
  const value = getPath(object, path.split("."));
  const absent = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return absent ? [requiredValue(path)] : [];
}

/** Of a ConfigMap or Secret. */
function validateDataKeys(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of DATA_FIELDS) {
    for (const key of Object.keys(asObject(object[field]))) {
      if (/^[-._a-zA-Z0-9]+$/.test(key)) continue;
      const why =
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  " +
        "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
      errors.push(invalidValue(`${field}[${key}]`, key, why));
    }
  }
  for (const key of Object.keys(asObject(object.data))) {
    if (!Object.hasOwn(asObject(object.binaryData), key)) continue;
    errors.push(invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData"));
  }
  if (old?.immutable !== true) return errors;
  const changed = DATA_FIELDS.filter((field) => !equal(old[field], object[field]));
  for (const field of object.immutable === true ? changed : ["immutable", ...changed]) {
    errors.push(forbiddenValue(field, "field is immutable when `immutable` is set"));
  }
  return errors;
}

const DATA_FIELDS = ["data", "binaryData"] as const;

/** The keys that a type promises. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function validateSecretType(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (old !== undefined && old.type !== object.type) {
    errors.push(invalidValue("type", object.type, "field is immutable"));
  }
  const data = asObject(object.data);
  for (const key of SECRET_KEYS[String(object.type)] ?? []) {
    if (!Object.hasOwn(data, key)) errors.push(requiredValue(`data[${key}]`));
  }
  return errors;
}

function validateBinding(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (old !== undefined && !equal(old.roleRef, object.roleRef)) {
    const { apiGroup, kind, name } = asObject(object.roleRef);
    // Here the API server shows the names of Go's fields.
    return [invalidValue("roleRef", { APIGroup: apiGroup, Kind: kind, Name: name }, "cannot change roleRef")];
  }
  return required(object, "roleRef.name");
}

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

function validateWebhooks(object: KubeObject): FieldError[] {
  const names = new Set<unknown>();
  return asArray(object.webhooks).flatMap((entry, index) => {
    const webhook = asObject(entry);
    const path = `webhooks[${index}]`;
    const errors = validateWebhook(webhook, path);
    if (names.has(webhook.name)) {
      const message = `Duplicate value: ${JSON.stringify(webhook.name)}`;
      errors.push({ reason: "FieldValueDuplicate", message, field: `${path}.name` });
    }
    names.add(webhook.name);
    return errors;
  });
}

function oneOf(webhook: JsonObject, path: string, field: string, supported: string[]): FieldError[] {
  const value = webhook[field];
  if (value === undefined || supported.includes(String(value))) return [];
  return [notSupported(`${path}.${field}`, value, supported)];
}

function validateWebhook(webhook: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (String(webhook.name ?? "").split(".").length < 3) {
    const why = "should be a domain with at least three segments separated by dots";
    errors.push(invalidValue(`${path}.name`, webhook.name ?? "", why));
  }
  asArray(webhook.rules).forEach((rule, index) => {
    errors.push(...validateRule(asObject(rule), `${path}.rules[${index}]`));
  });
  errors.push(...oneOf(webhook, path, "failurePolicy", ["Fail", "Ignore"]));
  errors.push(...oneOf(webhook, path, "matchPolicy", ["Equivalent", "Exact"]));
  errors.push(...oneOf(webhook, path, "reinvocationPolicy", ["IfNeeded", "Never"]));
  if (webhook.sideEffects === undefined) {
    errors.push(requiredValue(`${path}.sideEffects`, "must specify one of None, NoneOnDryRun"));
  }
  errors.push(...oneOf(webhook, path, "sideEffects", ["None", "NoneOnDryRun"]));
  const timeout = Number(webhook.timeoutSeconds);
  if (timeout < 1 || timeout > 30) {
    const why = "the timeout value must be between 1 and 30 seconds";
    errors.push(invalidValue(`${path}.timeoutSeconds`, timeout, why));
  }
  errors.push(...validateReviewVersions(webhook, path), ...validateClientConfig(webhook, path));
  asArray(webhook.matchConditions).forEach((condition, index) => {
    errors.push(...validateMatchCondition(asObject(condition), `${path}.matchConditions[${index}]`));
  });
  return errors;
}

function validateReviewVersions(webhook: JsonObject, path: string): FieldError[] {
  const field = `${path}.admissionReviewVersions`;
  const versions = asArray(webhook.admissionReviewVersions);
  if (versions.length === 0) return [requiredValue(field, "must specify one of v1, v1beta1")];
  if (versions.includes("v1") || versions.includes("v1beta1")) return [];
  return [invalidValue(field, versions, "must include at least one of v1, v1beta1")];
}

function validateClientConfig(webhook: JsonObject, path: string): FieldError[] {
  const { url, service } = asObject(webhook.clientConfig);
  if ((url === undefined) === (service === undefined)) {
    return [requiredValue(`${path}.clientConfig`, "exactly one of url or service is required")];
  }
  if (url === undefined) return [];
  const field = `${path}.clientConfig.url`;
  const target = URL.parse(String(url));
  if (target === null) return [invalidValue(field, url, "url must be a valid URL")];
  if (target.protocol !== "https:") {
    const why = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
    return [invalidValue(field, target.protocol.slice(0, -1), why)];
  }
  if (target.search !== "") {
    return [invalidValue(field, target.search.slice(1), "query parameters are not permitted in the URL")];
  }
  return [];
}

function validateRule(rule: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["operations", "apiGroups", "apiVersions", "resources"]) {
    if (asArray(rule[field]).length === 0) errors.push(requiredValue(`${path}.${field}`));
  }
  asArray(rule.operations).forEach((operation, index) => {
    if (!OPERATIONS.includes(String(operation))) {
      errors.push(notSupported(`${path}.operations[${index}]`, operation, OPERATIONS));
    }
  });
  const resources = asArray(rule.resources);
  if (resources.length > 1 && resources.includes("*/*")) {
    const why = "if '*/*' is present, must not specify other resources";
    errors.push(invalidValue(`${path}.resources`, resources, why));
  }
  errors.push(...oneOf(rule, path, "scope", ["*", "Cluster", "Namespaced"]));
  return errors;
}

function validateMatchCondition(condition: JsonObject, path: string): FieldError[] {
  const expression = String(condition.expression ?? "");
  if (expression.trim() === "") return [requiredValue(`${path}.expression`)];
  if (!condition.name) return [requiredValue(`${path}.name`)];
  try {
    const type = compileMatchCondition(expression).type;
    if (type === "bool") return [];
    return [invalidValue(`${path}.expression`, expression, `must evaluate to bool but got ${type}`)];
  } catch (error) {
    const why = `compilation failed: ${celErrorMessage(error)}`;
    return [invalidValue(`${path}.expression`, expression, why)];
  }
}

/** Decoding errors of built-in kinds, which the API server finds before validation. */
export function decodeError(object: KubeObject): string | undefined {
  if (object.kind !== "Secret") return undefined;
  for (const value of Object.values(asObject(object.data))) {
    const at = typeof value === "string" ? value.search(/[^A-Za-z0-9+/=\n]/) : -1;
    if (at >= 0) return `illegal base64 data at input byte ${at}`;
  }
  return isObject(object.data) || object.data === undefined ? undefined : "json: cannot unmarshal data";
}
