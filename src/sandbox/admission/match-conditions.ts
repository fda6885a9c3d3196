import type { ParseResult } from "@marcbachmann/cel-js";
import { kubernetesCel, toCel } from "../cel.ts";
import type { JsonObject } from "../json.ts";

const environment = kubernetesCel(["object", "oldObject", "request"]);
const compiled = new Map<string, { expression: ParseResult; type: string }>();

/** Parses and type-checks a match condition. @throws the library's error when it doesn't compile */
export function compileMatchCondition(text: string): { expression: ParseResult; type: string } {
  let entry = compiled.get(text);
  if (entry === undefined) {
    const expression = environment.parse(text);
    const check = expression.check();
    if (!check.valid) throw check.error ?? new Error(`invalid expression: ${text}`);
    entry = { expression, type: String(check.type) };
    compiled.set(text, entry);
  }
  return entry;
}

/** What a condition may look at; `oldObject` and `object` are null where the operation has none. */
export interface MatchScope {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: JsonObject;
}

/**
 * Whether all conditions hold. As in the API server a false one outweighs an error in another; an error that
 * is left is thrown with the expression it came from.
 */
export function matchConditionsHold(
  conditions: readonly { expression: string }[],
  scope: MatchScope,
): boolean {
  if (conditions.length === 0) return true;
  const variables = toCel(scope) as JsonObject;
  let failure: MatchConditionError | undefined;
  for (const { expression } of conditions) {
    try {
      if (compileMatchCondition(expression).expression(variables) !== true) return false;
    } catch (error) {
      failure ??= new MatchConditionError(expression, error);
    }
  }
  if (failure !== undefined) throw failure;
  return true;
}

export class MatchConditionError extends Error {
  override readonly name = "MatchConditionError";
  readonly expression: string;
  constructor(expression: string, cause: unknown) {
    super(`expression '${expression}' resulted in error`, { cause });
    this.expression = expression;
  }
}
