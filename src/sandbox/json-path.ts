import type { KubeObject } from "../kube/api.ts";
import { isObject } from "./json.ts";
import { ageSince } from "./resources/age.ts";
import type { Column } from "./resources/resource.ts";

type Step =
  | { field: string }
  | { index: number }
  | { every: true }
  | { where: [path: Step[], value: string] };

const TOKEN =
  /\.([A-Za-z0-9_\-/$]+(?:\\\.[A-Za-z0-9_\-/]+)*)|\['([^']+)'\]|\[(-?\d+)\]|(\[\*\]|\.\*)|\[\?\(@([^=]+?)\s*==\s*["']([^"']*)["']\)\]/y;

/**
 * Parses the JSONPath subset that printer columns use: fields (dots escaped by a backslash), quoted fields,
 * indexes, wildcards and equality filters. @throws Error when the path says anything else
 */
export function parseJsonPath(path: string): Step[] {
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < path.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(path);
    if (match === null) throw new Error(`unsupported JSONPath: ${path}`);
    const [whole, field, quoted, index, every, wherePath, whereValue] = match;
    if (field !== undefined) steps.push({ field: field.replaceAll("\\.", ".") });
    else if (quoted !== undefined) steps.push({ field: quoted.replaceAll("\\.", ".") });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (every !== undefined) steps.push({ every: true });
    else steps.push({ where: [parseJsonPath(wherePath as string), whereValue as string] });
    at += whole.length;
  }
  return steps;
}

/** All values at a path; none when it leads nowhere. */
export function evaluateJsonPath(steps: readonly Step[], root: unknown): unknown[] {
  let found: unknown[] = [root];
  for (const step of steps) found = found.flatMap((value) => follow(step, value));
  return found;
}

function follow(step: Step, value: unknown): unknown[] {
  if ("field" in step) {
    return isObject(value) && Object.hasOwn(value, step.field) ? [value[step.field]] : [];
  }
  if ("every" in step) return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  if (!Array.isArray(value)) return [];
  if ("index" in step) {
    const item = value.at(step.index);
    return item === undefined ? [] : [item];
  }
  const [path, wanted] = step.where;
  return value.filter((item) => evaluateJsonPath(path, item).some((each) => String(each) === wanted));
}

/** A printer column's cell: the first value found, typed as the column says; null without one. */
export function jsonPathCell(path: string, type: string): Column["cell"] {
  let steps: Step[];
  try {
    steps = parseJsonPath(path);
  } catch {
    // A column that can't be computed is shown empty, as by the API server.
    return () => null;
  }
  return (object: KubeObject, nowMs: number) => {
    const [value] = evaluateJsonPath(steps, object);
    if (value === undefined || value === null) return null;
    if (type === "date") return ageSince(String(value), nowMs);
    if (type === "integer" || type === "number") return typeof value === "number" ? value : null;
    if (type === "boolean") return typeof value === "boolean" ? value : null;
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
}
