/** Reads the annotations in which people write requirements and priority. */

/** On a machine: points to add to its priority, an integer. A ClaimRequest says the same in spec.priority. */
export const PRIORITY_ANNOTATION = "claims.beskar7.io/priority";
/** Bounds of the priority annotation, both ways; source: the range of a user-defined PriorityClass. */
export const PRIORITY_LIMIT = 1_000_000_000;

/** Kubernetes' own rule for the name part of a label key and for a label's value. */
const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const PREFIX_LIMIT = 253;

/**
 * The value of PRIORITY_ANNOTATION; `undefined` or blank is 0. What is no integer within the limits counts as 0, and
 * `problem` says so.
 */
export function parsePriority(text: string | undefined): { value: number; problem: string | null } {
  const trimmed = text?.trim() ?? "";
  if (trimmed === "") return { value: 0, problem: null };
  const value = Number(trimmed);
  if (/^[+-]?\d+$/.test(trimmed) && Math.abs(value) <= PRIORITY_LIMIT) {
    // No negative zero: it would print and compare differently.
    return { value: value === 0 ? 0 : value, problem: null };
  }
  const want = `an integer from -${PRIORITY_LIMIT} to ${PRIORITY_LIMIT}`;
  return { value: 0, problem: `${PRIORITY_ANNOTATION}: ${quote(trimmed)} is not ${want}; it counts as 0` };
}

/** Comma-separated label keys, sorted and unique. Entries that can't be a label key are reported and left out. */
export function parseTags(annotation: string, text: string, problems: string[]): string[] {
  const keys = new Set<string>();
  for (const entry of entries(text)) {
    if (isLabelKey(entry)) keys.add(entry);
    else problems.push(`${annotation}: ${quote(entry)} is not a label key; it is ignored`);
  }
  return [...keys].sort();
}

/** Comma-separated key=value. Entries that can't be a label, or contradict an earlier one, are reported and left out. */
export function parseLabels(annotation: string, text: string, problems: string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const entry of entries(text)) {
    const equals = entry.indexOf("=");
    const key = entry.slice(0, Math.max(0, equals)).trim();
    const value = entry.slice(equals + 1).trim();
    const earlier = labels.get(key);
    if (equals < 0) problems.push(`${annotation}: ${quote(entry)} is not key=value; it is ignored`);
    else if (!isLabelKey(key))
      problems.push(`${annotation}: ${quote(key)} is not a label key; it is ignored`);
    else if (value !== "" && !NAME.test(value)) {
      problems.push(`${annotation}: ${quote(value)} is not a label value; ${key} is ignored`);
    } else if (earlier !== undefined && earlier !== value) {
      problems.push(`${annotation}: ${key} is given twice; only ${quote(earlier)} counts`);
    } else labels.set(key, value);
  }
  return Object.fromEntries([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Blank entries, as a trailing comma leaves them, mean nothing. */
function entries(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return NAME.test(text);
  const prefix = text.slice(0, slash);
  return prefix.length <= PREFIX_LIMIT && PREFIX.test(prefix) && NAME.test(text.slice(slash + 1));
}

/** At most this much of what a person wrote is repeated back. */
const QUOTED_LIMIT = 80;

function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_LIMIT ? `${text.slice(0, QUOTED_LIMIT)}...` : text);
}
