/** Readers of untyped JSON: each gives the value where it has the type asked for, and a neutral one where not. */

export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

export const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const records = (value: unknown): readonly Record<string, unknown>[] => array(value).map(record);

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const strings = (value: unknown): readonly string[] =>
  array(value).filter((item): item is string => typeof item === "string");

/** Entries whose values are strings; the others are left out. */
export function stringMap(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

export const integer = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;

/** Milliseconds since the epoch of an RFC 3339 time; microseconds are cut off. */
export function timeMs(value: unknown): number | undefined {
  const parsed = Date.parse(text(value));
  return Number.isNaN(parsed) ? undefined : parsed;
}
