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
    const times = (shown.get(finding.id) ?? 0) + 1;
    if (finding.severity !== "ok") shown.set(finding.id, times);
    if (times <= LISTED) yield findingText(finding);
  }
  for (const [id, times] of shown) {
    if (times > LISTED) yield `  ...      ${id}: ${times - LISTED} more, which -o json lists`;
  }
}

function findingText({ id, severity, what, why, mend }: GroupedFinding): string {
  if (severity === "ok") return `  ok       ${what}`;
  const indent = " ".repeat(11);
  return [`  ${severity.padEnd(8)} ${id}: ${what}`, `${indent}${why}`, `${indent}$ ${mend}`].join("\n");
}

export function summary(findings: readonly GroupedFinding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  if (errors + warnings === 0) return "Nothing is wrong.";
  return `${count(errors, "error")}, ${count(warnings, "warning")}.`;
}
