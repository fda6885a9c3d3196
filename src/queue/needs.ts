import type { LabelExpression, Requirements } from "../claims/claim.ts";

/** What a claim asks of a host, in words for people: "gpu, rack=r1, 8 or more CPU cores; prefers nvme". */
export function needsInWords(requirements: Requirements): string {
  const needs = [
    ...requirements.requiredTags,
    ...pairs(requirements.requiredLabels),
    ...requirements.expressions.map(expressionInWords),
    ...atLeast(requirements.minCPUCores, "CPU cores"),
    ...atLeast(requirements.minMemoryGB, "GB of memory"),
    ...atLeast(requirements.minDiskGB, "GB of disk"),
  ];
  const wishes = [
    ...requirements.expressions.flatMap(keptInWords),
    ...requirements.preferredTags,
    ...pairs(requirements.preferredLabels),
  ];
  const asked = needs.length === 0 ? "any host" : needs.join(", ");
  return wishes.length === 0 ? asked : `${asked}; prefers ${wishes.join(", ")}`;
}

function pairs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}

function atLeast(min: number, unit: string): string[] {
  return min <= 0 ? [] : [`${min} or more ${unit}`];
}

function expressionInWords({ key, operator, values }: LabelExpression): string {
  switch (operator) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `no ${key}`;
    case "In":
      return `${key} in (${values.join(", ")})`;
    case "NotIn":
      return `${key} not in (${values.join(", ")})`;
    case "AbsentOrIn":
      return "no host kept for others";
  }
}

function keptInWords({ key, operator, values }: LabelExpression): string[] {
  if (operator !== "AbsentOrIn" || values.length === 0) return [];
  return [`${key} in (${values.join(", ")})`];
}
