import type { GroupedFinding } from "./checks.ts";
import { count } from "./finding.ts";

/** More problems of one code than this are counted, not listed; -o json lists them all. */
const LISTED = 10;

/** Grouped, a line each for what is well; what is not, with why it matters and what mends it. */
export function reportText(findings: readonly GroupedFinding[]): string {
  const groups = new Map<string, GroupedFinding[]>();
  for (const finding of findings) groups.set(finding.group, [...(groups.get(finding.group) ?? []), finding]);
  const parts = [...groups].map(([group, members]) => [group, ...listed(members)].join("\n"));
  return [...parts, summary(findings)].join("\n\n");
}

function* listed(findings: readonly GroupedFinding[]): Iterable<string> {
  const shown = new Map<string, number>();
  for (const finding of findings) {
    const { id, severity, what } = finding;
    if (severity === "ok") {
      yield `  ok       ${what}`;
      continue;
    }
    const times = (shown.get(id) ?? 0) + 1;
    shown.set(id, times);
    if (times <= LISTED) yield problemText(finding, times === 1);
  }
  for (const [id, times] of shown) {
    if (times > LISTED) yield `  ...      ${id}: ${times - LISTED} more, which -o json lists`;
  }
}

/** Why it matters is said once for all problems of a code. */
function problemText({ id, severity, what, why, mend }: GroupedFinding, withWhy: boolean): string {
  const indent = " ".repeat(11);
  const lines = [`  ${severity.padEnd(8)} ${id}: ${what}`, `${indent}$ ${mend}`];
  if (withWhy) lines.splice(1, 0, `${indent}${why}`);
  return lines.join("\n");
}

export function summary(findings: readonly GroupedFinding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  if (errors + warnings === 0) return "Nothing is wrong.";
  return `${count(errors, "error")}, ${count(warnings, "warning")}.`;
}
