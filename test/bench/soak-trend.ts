const BARS = "▁▂▃▄▅▆▇█";

/**
 * How fast something grows, per hour: the median of the slopes between all pairs of points (Theil and Sen), which a few
 * points that are off do not move.
 */
export function slopePerHour(points: readonly { readonly atMs: number; readonly value: number }[]): number {
  const slopes = points.flatMap((a, nth) =>
    points.slice(nth + 1).map((b) => (b.value - a.value) / (b.atMs - a.atMs)),
  );
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  const median =
    slopes.length % 2 === 1 ? slopes[middle] : ((slopes[middle - 1] ?? 0) + (slopes[middle] ?? 0)) / 2;
  return (median ?? Number.NaN) * 3_600_000;
}

/** One character a value, the lowest and the highest of them at the ends of the scale. */
export function curve(values: readonly number[]): string {
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  return values.map((value) => BARS[Math.round(((value - low) / range) * (BARS.length - 1))]).join("");
}
