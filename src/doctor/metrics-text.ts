/** One sample of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Lines that are no samples are left out. Escapes in label values stay as they are written. */
export function parseMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const labels = [...(match[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]);
    return { name: match[1]!, labels: Object.fromEntries(labels), value: Number(match[3]) };
  });
}
