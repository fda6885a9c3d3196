import { stringify } from "yaml";
import type { Config } from "../config.ts";

/** An answer in the form of -o; `text` is asked for "text" and "wide" only. */
export function formatted(output: Config["output"], value: unknown, text: () => string): string {
  if (output === "json") return JSON.stringify(value, null, 2);
  if (output === "yaml") return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 }).trimEnd();
  return text();
}

/** Columns as wide as their widest cell, three spaces apart, as kubectl prints them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** "Name:   value" lines, values below each other; pairs whose value is null are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return table(pairs.flatMap(([name, value]) => (value === null ? [] : [[`${name}:`, value]])));
}

/** "45s", "12m", "3h10m", "2d4h". */
export function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${minutes % 60 === 0 ? "" : `${minutes % 60}m`}`;
  return `${Math.floor(hours / 24)}d${hours % 24 === 0 ? "" : `${hours % 24}h`}`;
}
