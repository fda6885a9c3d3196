export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly p50Ms: number; readonly worstMs: number }[];
}

const PANEL = { width: 340, height: 220, left: 56, right: 16, top: 34, bottom: 44 };
const COLOURS = { p50Ms: "#2563eb", worstMs: "#d97706" } as const;

/** One panel a curve, in a grid of two columns; x by rank, since its values grow by factors, y linear from 0. */
export function growthChart(curves: readonly Curve[]): string {
  const rows = Math.ceil(curves.length / 2);
  const [width, height] = [2 * PANEL.width + PANEL.right, rows * PANEL.height + 24];
  const panels = curves.map(
    (curve, i) =>
      `<g transform="translate(${(i % 2) * PANEL.width} ${Math.floor(i / 2) * PANEL.height})">${panel(curve)}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    "<title>Time from a free host to a bound one</title>",
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    `<g transform="translate(${PANEL.left} ${height - 10})">${legend()}</g>`,
    "</svg>",
    "",
  ].join("\n");
}

function panel({ name, points }: Curve): string {
  const { width, height, left, right, top, bottom } = PANEL;
  const most = niceCeiling(Math.max(...points.map(({ worstMs }) => worstMs)));
  const x = (i: number) => left + ((width - left - right) * i) / Math.max(1, points.length - 1);
  const y = (ms: number) => height - bottom - ((height - top - bottom) * ms) / most;
  const ticks = [0, most / 2, most].map(
    (ms) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(ms)}" y2="${y(ms)}" stroke="#d4d4d8"/>` +
      `<text x="${left - 6}" y="${y(ms) + 4}" text-anchor="end" fill="#3f3f46">${ms} ms</text>`,
  );
  const labels = points.map(
    ({ x: value }, i) =>
      `<text x="${x(i)}" y="${height - bottom + 16}" text-anchor="middle" fill="#3f3f46">${value.toLocaleString("en")}</text>`,
  );
  const lines = (["p50Ms", "worstMs"] as const).map((key) => {
    const at = points.map((point, i) => `${x(i).toFixed(1)},${y(point[key]).toFixed(1)}`);
    const dots = at.map((pair) => `<circle cx="${pair.split(",")[0]}" cy="${pair.split(",")[1]}" r="3"/>`);
    const line = `<polyline points="${at.join(" ")}" fill="none" stroke="${COLOURS[key]}" stroke-width="2"/>`;
    return `${line}<g fill="${COLOURS[key]}">${dots.join("")}</g>`;
  });
  const title = `<text x="${left}" y="20" font-weight="600" fill="#18181b">${name}</text>`;
  return [title, ...ticks, ...labels, ...lines].join("");
}

function legend(): string {
  return Object.entries({ p50: COLOURS.p50Ms, worst: COLOURS.worstMs })
    .map(([name, colour], i) => {
      const from = i * 80;
      return `<rect x="${from}" y="-8" width="16" height="4" fill="${colour}"/><text x="${from + 22}" y="-2" fill="#18181b">${name}</text>`;
    })
    .join("");
}

/** The next of 1, 2, 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
