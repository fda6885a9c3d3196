import type { ParseResult } from "@marcbachmann/cel-js";
import { celErrorMessage, kubernetesCel, toCel } from "../cel.ts";
import { equal, isObject, type JsonObject, jsonType } from "../json.ts";
import type { FieldError } from "../status.ts";
import { joinPath, memberSchema, type Schema, type ValidationRule } from "./schema.ts";

const environment = kubernetesCel(["self", "oldSelf"]);
const parsed = new Map<string, ParseResult>();

function compile(expression: string): ParseResult {
  let result = parsed.get(expression);
  if (result === undefined) {
    result = environment.parse(expression);
    parsed.set(expression, result);
  }
  return result;
}

/**
 * Evaluates the x-kubernetes-validations of a schema. Rules that mention oldSelf are transition rules: they
 * run only where the old object has the same place, through maps and map lists but not through other lists.
 */
function validateRules(object: JsonObject, old: JsonObject | undefined, schema: Schema): FieldError[] {
  const errors: FieldError[] = [];
  visit(object, old, schema, "", errors);
  return errors;
}

/** What the API server says of an object whose other errors keep it from evaluating rules. */
const RULES_NOT_CHECKED: FieldError = {
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; " +
    "correct the existing errors to complete validation",
  field: "<nil>",
};

/** Errors after which a rule could meet values it was not written for. */
const BLOCKING = [
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
  "FieldValueNotSupported",
];

/** The rules' errors, or where structural errors forbid to evaluate them, one that says so. */
export function validateRulesAfter(
  structural: readonly FieldError[],
  object: JsonObject,
  old: JsonObject | undefined,
  schema: Schema,
): FieldError[] {
  if (!hasRules(schema)) return [];
  if (structural.some(({ reason }) => BLOCKING.includes(reason))) return [RULES_NOT_CHECKED];
  return validateRules(object, old, schema);
}

const ruled = new WeakMap<Schema, boolean>();

function hasRules(schema: Schema): boolean {
  let known = ruled.get(schema);
  if (known === undefined) {
    const inner = [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})];
    known =
      (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
      inner.some((each) => typeof each === "object" && hasRules(each));
    ruled.set(schema, known);
  }
  return known;
}

function visit(value: unknown, old: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  for (const rule of schema["x-kubernetes-validations"] ?? []) check(rule, value, old, path, errors);
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) {
      visit(item, counterpart(item, old, schema), schema.items, joinPath(path, index), errors);
    }
  }
  if (!isObject(value)) return;
  for (const [key, member] of Object.entries(value)) {
    const inner = memberSchema(schema, key);
    if (inner === undefined || member === null) continue;
    visit(member, isObject(old) ? old[key] : undefined, inner, joinPath(path, key), errors);
  }
}

function counterpart(item: unknown, old: unknown, schema: Schema): unknown {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] !== "map" || keys === undefined) return undefined;
  if (!Array.isArray(old) || !isObject(item)) return undefined;
  return old.find((each) => isObject(each) && keys.every((key) => equal(each[key], item[key])));
}

function check(rule: ValidationRule, value: unknown, old: unknown, path: string, errors: FieldError[]): void {
  const transition = /\boldSelf\b/.test(rule.rule);
  if (transition && old === undefined && !rule.optionalOldSelf) return;
  const field = (rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`).replace(/^\./, "");
  const scope = { self: toCel(value), oldSelf: toCel(old ?? null) };
  try {
    if (compile(rule.rule)(scope) === true) return;
  } catch (error) {
    const why = `${celErrorMessage(error)} evaluating rule: ${rule.message ?? rule.rule.trim()}`;
    const message = `Invalid value: ${JSON.stringify(jsonType(value))}: ${why}`;
    errors.push({ reason: "FieldValueInvalid", message, field: field || "<nil>" });
    return;
  }
  errors.push(violation(rule, value, scope, field || "<nil>"));
}

/** Objects and lists are not repeated in the message. */
function shownValue(value: unknown): string {
  return typeof value === "object" ? "" : `${JSON.stringify(value)}: `;
}

function violation(rule: ValidationRule, value: unknown, scope: JsonObject, field: string): FieldError {
  const message = ruleMessage(rule, scope);
  switch (rule.reason) {
    case "FieldValueRequired":
      return { reason: rule.reason, message: `Required value: ${message}`, field };
    case "FieldValueForbidden":
      return { reason: rule.reason, message: `Forbidden: ${message}`, field };
    case "FieldValueDuplicate":
      return { reason: rule.reason, message: "Duplicate value", field };
    default:
      return {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${shownValue(value)}${message}`,
        field,
      };
  }
}

function ruleMessage(rule: ValidationRule, scope: JsonObject): string {
  if (rule.messageExpression !== undefined) {
    try {
      const message = compile(rule.messageExpression)(scope);
      if (typeof message === "string" && message.trim() !== "") return message;
    } catch {
      // As in the API server: a broken messageExpression falls back to the message.
    }
  }
  return rule.message ?? `failed rule: ${rule.rule.trim()}`;
}
