/**
 * Sum of the samples of one metric in Prometheus' text format whose labels include all of `labels`; 0 when there is
 * none (a counter that never counted is not exposed).
 */
export function sumSamples(text: string, metric: string, labels: Record<string, string> = {}): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(metric)) continue;
    const [, name, labelText = "", value] = /^([^{\s]+)(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
    if (name !== metric) continue;
    if (Object.entries(labels).every(([key, want]) => `,${labelText}`.includes(`,${key}="${want}"`))) {
      sum += Number(value);
    }
  }
  return sum;
}
