import { type FieldError, invalidValue, requiredValue } from "../status.ts";
import { ruleProblem } from "./rule-check.ts";
import type { Schema, ValidationRule } from "./schema.ts";
import { validateDefault } from "./validate.ts";

/** Whether a schema is structural, its defaults fit it and its rules compile. `path` is the schema's own. */
export function checkSchema(schema: Schema, path: string): FieldError[] {
  const root = `${path}.type`;
  if (schema.type === undefined) return [requiredValue(root, "must not be empty at the root")];
  if (schema.type !== "object") return [invalidValue(root, schema.type, "must be object at the root")];
  return checkBelow(schema, path);
}

function checkBelow(schema: Schema, path: string): FieldError[] {
  const errors = checkRules(schema, path);
  if (schema.default !== undefined) {
    const wrong = validateDefault(schema.default, schema);
    errors.push(...wrong.map((error) => ({ ...error, field: `${path}.default` })));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...checkPart(property, `${path}.properties[${name}]`, "object fields"));
  }
  if (schema.items !== undefined) errors.push(...checkPart(schema.items, `${path}.items`, "array items"));
  if (typeof schema.additionalProperties === "object") {
    errors.push(...checkPart(schema.additionalProperties, `${path}.additionalProperties`, "object fields"));
  }
  return errors;
}

function checkPart(schema: Schema, path: string, what: string): FieldError[] {
  const untyped = schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  if (schema.type === undefined && !untyped) {
    return [requiredValue(`${path}.type`, `must not be empty for specified ${what}`)];
  }
  return checkBelow(schema, path);
}

function checkRules(schema: Schema, path: string): FieldError[] {
  return (schema["x-kubernetes-validations"] ?? []).flatMap((rule, index) => {
    const problem = ruleProblem(rule.rule, schema);
    if (problem === undefined) return [];
    const field = `${path}.x-kubernetes-validations[${index}].rule`;
    const message = `Invalid value: ${shownRule(rule)}: compilation failed: ${problem}`;
    return [{ reason: "FieldValueInvalid", message, field }];
  });
}

/** As Go prints the struct. */
function shownRule(rule: ValidationRule): string {
  const shown = JSON.stringify({
    Rule: rule.rule,
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  });
  return shown.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}
