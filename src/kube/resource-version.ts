/**
 * Order of two resourceVersions of one resource type on one API server: negative, zero or positive as `a` is
 * older than, the same as or newer than `b`. They are decimal integers of any length without leading zeros
 * (guaranteed since Kubernetes 1.35, KEP-5504), so the longer one is newer and equal lengths compare as text.
 * undefined when either has another form: then only equality means something.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (!WELL_FORMED.test(a) || !WELL_FORMED.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `a` is certainly older than `b`. */
export function isOlder(a: string, b: string): boolean {
  const order = compareResourceVersions(a, b);
  return order !== undefined && order < 0;
}

/** Whether whoever has seen `a` has seen `b` too. For unordered versions only equality is proof. */
export function includes(a: string, b: string): boolean {
  const order = compareResourceVersions(a, b);
  return order === undefined ? a === b : order >= 0;
}

const WELL_FORMED = /^[1-9][0-9]*$/;
