import { equal, isObject, type JsonObject, jsonType } from "../json.ts";
import { type FieldError, invalidValue, notSupported, requiredValue, wrongType } from "../status.ts";
import { joinPath, memberSchema, type Schema } from "./schema.ts";

/**
 * Structural validation of an object, or of one part of it; metadata is validated elsewhere. Texts name the
 * fields of a part relative to it, as the API server does.
 */
export function validateSchema(object: JsonObject, schema: Schema, part?: string): FieldError[] {
  const errors: FieldError[] = [];
  if (part !== undefined) {
    const inner = memberSchema(schema, part);
    if (inner === undefined || object[part] === undefined) return [];
    validateValue(object[part], inner, "", errors);
    return errors.map((error) => ({
      ...error,
      field: error.field === "<nil>" ? error.field : joinPath(part, error.field),
    }));
  }
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = object;
  const required = schema.required?.filter((key) => !(key in object) || key in rest);
  validateValue(rest, { ...schema, ...(required ? { required } : {}) }, "", errors);
  return errors;
}

/** Whether a default fits its own schema; the errors name no field. */
export function validateDefault(value: unknown, schema: Schema): FieldError[] {
  const errors: FieldError[] = [];
  validateValue(value, schema, "", errors);
  return errors;
}

/** An error for which the API server's validation knows no field. */
function placeless(message: string): FieldError {
  return { reason: "FieldValueInvalid", message: `Invalid value: "": ${message}`, field: "<nil>" };
}

function validateValue(value: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  if (value === null && schema.nullable) return;
  if (!typeFits(value, schema)) {
    const wanted = schema["x-kubernetes-int-or-string"] ? "integer,string" : (schema.type as string);
    errors.push(wrongType(path, jsonType(value), wanted));
    if (schema.type === "integer" && typeof value === "number") {
      errors.push(placeless(`Checked value must be of type integer (default format) in ${path}`));
    }
    return;
  }
  if (typeof value === "string") validateString(value, schema, path, errors);
  if (typeof value === "number") validateNumber(value, schema, path, errors);
  if (Array.isArray(value)) validateArray(value, schema, path, errors);
  if (isObject(value)) validateObject(value, schema, path, errors);
  if (schema.enum !== undefined && !schema.enum.some((each) => equal(each, value))) {
    errors.push(notSupported(path, value, schema.enum));
  }
  validateCombinations(value, schema, path, errors);
}

function typeFits(value: unknown, schema: Schema): boolean {
  if (schema["x-kubernetes-int-or-string"]) return typeof value === "string" || Number.isInteger(value);
  if (schema.type === undefined) return true;
  const type = jsonType(value);
  return type === schema.type || (schema.type === "number" && type === "integer");
}

function validateString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  // The API server counts code points, as OpenAPI says.
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    const message = `Too long: may not be more than ${schema.maxLength} bytes`;
    errors.push({ reason: "FieldValueTooLong", message, field: path });
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(
      invalidValue(path, value, `${path} in body should be at least ${schema.minLength} chars long`),
    );
  }
  if (schema.pattern !== undefined && !matches(value, schema.pattern)) {
    errors.push(invalidValue(path, value, `${path} in body should match '${schema.pattern}'`));
  }
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value))) {
    const shown = JSON.stringify(value);
    const message = `Invalid value: ${shown}: ${path} in body must be of type date-time: ${shown}`;
    errors.push({ reason: "FieldValueTypeInvalid", message, field: path });
  }
}

const patterns = new Map<string, RegExp>();

/** Schema patterns are written for RE2; JavaScript reads those of real CRDs alike. */
function matches(value: string, pattern: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern, "u");
    patterns.set(pattern, compiled);
  }
  return compiled.test(value);
}

function validateNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.format === "int32" && Math.trunc(value) !== (value | 0)) {
    errors.push(placeless(`Checked value must be of type integer with format int32 in ${path}`));
  }
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    const bound = exclusiveMinimum ? "greater than" : "greater than or equal to";
    errors.push(invalidValue(path, value, `${path} in body should be ${bound} ${minimum}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    const bound = exclusiveMaximum ? "less than" : "less than or equal to";
    errors.push(invalidValue(path, value, `${path} in body should be ${bound} ${maximum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(invalidValue(path, value, `${path} in body should be a multiple of ${multipleOf}`));
  }
}

function validateArray(value: unknown[], schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    const message = `Too many: ${value.length}: must have at most ${schema.maxItems} items`;
    errors.push({ reason: "FieldValueTooMany", message, field: path });
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(
      invalidValue(path, value.length, `${path} in body should have at least ${schema.minItems} items`),
    );
  }
  for (const [index, item] of value.entries()) {
    if (schema.items !== undefined) validateValue(item, schema.items, joinPath(path, index), errors);
  }
  const listType = schema["x-kubernetes-list-type"];
  if (listType === "map" || listType === "set" || schema.uniqueItems) {
    validateUnique(value, schema, path, errors);
  }
}

/** Items of a set must differ, items of a map list must differ in their keys. */
function validateUnique(value: unknown[], schema: Schema, path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const key = JSON.stringify(entryKey(item, schema));
    if (seen.has(key)) {
      errors.push({
        reason: "FieldValueDuplicate",
        message: `Duplicate value: ${key}`,
        field: joinPath(path, index),
      });
    }
    seen.add(key);
  }
}

function entryKey(item: unknown, schema: Schema): unknown {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] !== "map" || keys === undefined || !isObject(item)) return item;
  return Object.fromEntries(keys.map((key) => [key, item[key] ?? schema.items?.properties?.[key]?.default]));
}

function validateObject(value: JsonObject, schema: Schema, path: string, errors: FieldError[]): void {
  const required = schema.required ?? [];
  for (const key of required) {
    if (value[key] === undefined || value[key] === null) errors.push(requiredValue(joinPath(path, key)));
  }
  const size = Object.keys(value).length;
  if (schema.maxProperties !== undefined && size > schema.maxProperties) {
    const message = `Too many: ${size}: must have at most ${schema.maxProperties} items`;
    errors.push({ reason: "FieldValueTooMany", message, field: path });
  }
  if (schema.minProperties !== undefined && size < schema.minProperties) {
    errors.push(
      invalidValue(path, size, `${path} in body should have at least ${schema.minProperties} properties`),
    );
  }
  for (const [key, member] of Object.entries(value)) {
    const inner = memberSchema(schema, key);
    if (inner === undefined || (member === null && required.includes(key))) continue;
    validateValue(member, inner, joinPath(path, key), errors);
  }
}

function errorsOf(value: unknown, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  validateValue(value, schema, path, errors);
  return errors;
}

function validateCombinations(value: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const shown = JSON.stringify(path);
  const missed = allOf.flatMap((each) => errorsOf(value, each, path));
  if (missed.length > 0) {
    errors.push(placeless(`${shown} must validate all the schemas (allOf)`), ...missed);
  }
  if (anyOf.length > 0) {
    const attempts = anyOf.map((each) => errorsOf(value, each, path));
    if (!attempts.some((attempt) => attempt.length === 0)) {
      errors.push(placeless(`${shown} must validate at least one schema (anyOf)`), ...(attempts[0] ?? []));
    }
  }
  if (oneOf.length > 0) {
    const attempts = oneOf.map((each) => errorsOf(value, each, path));
    const valid = attempts.filter((attempt) => attempt.length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
      errors.push(placeless(`${shown} must validate one and only one schema (oneOf). ${found}`));
      // The nearest miss tells what to mend.
      if (valid === 0) errors.push(...(attempts[0] ?? []));
    }
  }
  if (not !== undefined && errorsOf(value, not, path).length === 0) {
    errors.push(placeless(`${shown} must not validate the schema (not)`));
  }
}
