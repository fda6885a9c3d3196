/** Go's durations ("1m30s", "500ms"), as in every flag of a Kubernetes program. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds; undefined when `text` is not what Go's time.ParseDuration takes. A bare "0" needs no unit. */
export function parseDurationMs(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0;
  if (body === "") return undefined;
  let totalMs = 0;
  for (PART.lastIndex = 0; PART.lastIndex < body.length; ) {
    const part = PART.exec(body);
    if (part === null) return undefined;
    totalMs += Number(part[1]) * UNIT_MS[part[2]!]!;
  }
  // Ten significant decimals of a millisecond are noise of the floating point, not something anybody typed.
  const roundedMs = Math.round(totalMs * 1e6) / 1e6;
  return roundedMs === 0 ? 0 : sign * roundedMs;
}

/** The shortest of Go's forms that names `ms` exactly: 90_000 is "1m30s", 500 is "500ms", 0 is "0s". */
export function formatDurationMs(ms: number): string {
  if (ms < 0) return `-${formatDurationMs(-ms)}`;
  if (ms === 0) return "0s";
  if (ms < 1_000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = Math.round((ms % 60_000) * 1e6) / 1e9;
  return `${hours > 0 ? `${hours}h` : ""}${minutes > 0 ? `${minutes}m` : ""}${seconds > 0 ? `${seconds}s` : ""}`;
}
