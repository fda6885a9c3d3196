import type { GroupedFinding } from "./checks.ts";
import { count } from "./finding.ts";

/** Grouped, a line each for what is well; what is not, with why it matters and what mends it. */
export function reportText(findings: readonly GroupedFinding[]): string {
  const groups = new Map<string, GroupedFinding[]>();
  for (const finding of findings) groups.set(finding.group, [...(groups.get(finding.group) ?? []), finding]);
  const parts = [...groups].map(([group, members]) => [group, ...members.map(findingText)].join("\n"));
  return [...parts, summary(findings)].join("\n\n");
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
