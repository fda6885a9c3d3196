import type { KubeObject } from "../kube/api.ts";
import { asObject, getPath } from "./json.ts";
import { qualifiedNameProblems } from "./metadata.ts";
import { type ApiError, badRequest } from "./status.ts";

export type Labels = Record<string, string>;
export type LabelPredicate = (labels: Labels) => boolean;
export type ObjectPredicate = (object: KubeObject) => boolean;

const TOKEN = /\s*(==|!=|=|!|\(|\)|,|<|>|[^\s=!(),<>]+)\s*/y;

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) throw badRequest(`unable to parse requirement: ${text}`);
    found.push(match[1] as string);
  }
  return found;
}

const SYMBOL = /^[=!(),<>]+$/;

function unparsable(why: string): ApiError {
  return badRequest(`unable to parse requirement: ${why}`);
}

/** Parses the `labelSelector` query syntax. @throws ApiError 400 in the API server's words */
export function parseLabelSelector(text: string): LabelPredicate {
  const rest = tokens(text);
  const requirements: LabelPredicate[] = [];
  while (rest.length > 0) {
    requirements.push(parseRequirement(rest));
    const next = rest.shift();
    if (next !== undefined && next !== ",") {
      throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
    }
  }
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(rest: string[]): LabelPredicate {
  const negated = rest[0] === "!";
  if (negated) rest.shift();
  const key = rest.shift();
  if (key === undefined || SYMBOL.test(key)) {
    if (negated) throw unparsable(`found '${key ?? ""}', expected: identifier`);
    throw badRequest(`found '${key ?? ""}', expected: !, identifier, or 'end of string'`);
  }
  const [problem] = qualifiedNameProblems(key, "label key");
  if (problem !== undefined) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problem}`);
  if (negated) return (labels) => !Object.hasOwn(labels, key);
  const operator = rest[0];
  if (operator === undefined || operator === ",") return (labels) => Object.hasOwn(labels, key);
  rest.shift();
  return comparison(key, operator, rest);
}

function comparison(key: string, operator: string, rest: string[]): LabelPredicate {
  switch (operator) {
    case "=":
    case "==": {
      const value = parseValue(rest);
      return (labels) => labels[key] === value;
    }
    case "!=": {
      const value = parseValue(rest);
      return (labels) => labels[key] !== value;
    }
    case "<":
    case ">": {
      const bound = parseBound(rest);
      return (labels) => {
        const value = Number(labels[key] ?? Number.NaN);
        return operator === "<" ? value < bound : value > bound;
      };
    }
    case "in":
    case "notin": {
      const values = parseValues(rest);
      const among = (labels: Labels) => Object.hasOwn(labels, key) && values.has(labels[key] as string);
      return (labels) => among(labels) === (operator === "in");
    }
    default:
      throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function parseValue(rest: string[]): string {
  if (rest.length === 0 || rest[0] === ",") return "";
  const value = rest.shift() as string;
  if (SYMBOL.test(value)) throw unparsable(`found '${value}', expected: identifier`);
  return value;
}

function parseBound(rest: string[]): number {
  const value = parseValue(rest);
  if (/^-?\d+$/.test(value)) return Number(value);
  const why = "for 'Gt', 'Lt' operators, the value must be an integer";
  throw unparsable(`values[0]: Invalid value: ${JSON.stringify(value)}: ${why}`);
}

function parseValues(rest: string[]): Set<string> {
  const open = rest.shift() ?? "";
  if (open !== "(") throw unparsable(`found '${open}' expected: '('`);
  const values = new Set<string>();
  while (rest.length > 0 && rest[0] !== ")") {
    values.add(parseValue(rest));
    if (rest[0] === ",") rest.shift();
  }
  if (rest.shift() !== ")") throw unparsable("found '', expected: ',', or ')'");
  return values;
}

/** metav1.LabelSelector: matchLabels and matchExpressions; an empty one matches everything. */
export function labelSelectorPredicate(selector: unknown): LabelPredicate {
  const { matchLabels, matchExpressions } = asObject(selector);
  const wanted = Object.entries(asObject(matchLabels));
  const expressions = (Array.isArray(matchExpressions) ? matchExpressions : []).map(asObject);
  return (labels) =>
    wanted.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values }) => {
      const name = String(key);
      const present = Object.hasOwn(labels, name);
      const among = present && Array.isArray(values) && values.includes(labels[name]);
      if (operator === "Exists") return present;
      if (operator === "DoesNotExist") return !present;
      return operator === "In" ? among : !among;
    });
}

/**
 * Parses the `fieldSelector` query syntax. `fields` are those the resource supports beside metadata.name
 * and metadata.namespace. @throws ApiError 400
 */
export function parseFieldSelector(text: string, fields: readonly string[]): ObjectPredicate {
  const terms = text.split(",").filter((term) => term !== "");
  const predicates = terms.map((term): ObjectPredicate => {
    const match = /^([^=!]+)(==|!=|=)(.*)$/.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field, operator, value] = match as unknown as [string, string, string, string];
    if (field !== "metadata.name" && field !== "metadata.namespace" && !fields.includes(field)) {
      throw badRequest(`field label not supported: ${field}`);
    }
    const path = field.split(".");
    return (object) => (String(getPath(object, path) ?? "") === value) === (operator !== "!=");
  });
  return (object) => predicates.every((holds) => holds(object));
}

/** Both selectors of a list or watch as one predicate. @throws ApiError 400 */
export function parseSelectors(
  labelSelector: string | null,
  fieldSelector: string | null,
  fields: readonly string[],
): ObjectPredicate {
  const byLabel = labelSelector ? parseLabelSelector(labelSelector) : undefined;
  const byField = fieldSelector ? parseFieldSelector(fieldSelector, fields) : undefined;
  return (object) =>
    (byLabel === undefined || byLabel(object.metadata.labels ?? {})) &&
    (byField === undefined || byField(object));
}
