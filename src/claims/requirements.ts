/** What a claim asks of a host, where people write it, and whether a host has it (design section 5). */

import { parseLabels, parseTags } from "./annotations.ts";
import type { Hardware, Host, LabelExpression, Requirements } from "./claim.ts";

export { PRIORITY_ANNOTATION, PRIORITY_LIMIT, parsePriority } from "./annotations.ts";

/** Any host of the pool will do. */
export const NO_REQUIREMENTS: Requirements = Object.freeze({
  requiredTags: Object.freeze([]),
  preferredTags: Object.freeze([]),
  requiredLabels: Object.freeze({}),
  preferredLabels: Object.freeze({}),
  expressions: Object.freeze([]),
  minCPUCores: 0,
  minMemoryGB: 0,
  minDiskGB: 0,
  cluster: "",
});

/**
 * Reads the beskar7.io/ annotations. A part that can't be read is left out and reported in `problems`, in words for
 * the person who wrote it: a typing mistake must not stop a claim.
 */
export function requirementsFromAnnotations(annotations: Readonly<Record<string, string>>): {
  requirements: Requirements;
  problems: string[];
} {
  const problems: string[] = [];
  const tags = (name: string) => parseTags(name, annotations[name] ?? "", problems);
  const labels = (name: string) => parseLabels(name, annotations[name] ?? "", problems);
  const requirements: Requirements = {
    ...NO_REQUIREMENTS,
    requiredTags: tags("beskar7.io/required-tags"),
    preferredTags: tags("beskar7.io/preferred-tags"),
    requiredLabels: labels("beskar7.io/required-labels"),
    preferredLabels: labels("beskar7.io/preferred-labels"),
  };
  return { requirements, problems };
}

/**
 * All that any of them asks. Two values required of one label stay required both (nothing fits then); of two
 * preferred values, or two clusters, the first counts.
 */
export function mergeRequirements(...all: readonly Requirements[]): Requirements {
  return all.reduce(mergeTwo, NO_REQUIREMENTS);
}

function mergeTwo(a: Requirements, b: Requirements): Requirements {
  const contradicting: LabelExpression[] = Object.entries(b.requiredLabels)
    .filter(([key, value]) => Object.hasOwn(a.requiredLabels, key) && a.requiredLabels[key] !== value)
    .map(([key, value]) => ({ key, operator: "In", values: [value] }));
  return {
    requiredTags: union(a.requiredTags, b.requiredTags),
    preferredTags: union(a.preferredTags, b.preferredTags),
    requiredLabels: { ...b.requiredLabels, ...a.requiredLabels },
    preferredLabels: { ...b.preferredLabels, ...a.preferredLabels },
    expressions: [...a.expressions, ...b.expressions, ...contradicting],
    minCPUCores: Math.max(a.minCPUCores, b.minCPUCores),
    minMemoryGB: Math.max(a.minMemoryGB, b.minMemoryGB),
    minDiskGB: Math.max(a.minDiskGB, b.minDiskGB),
    cluster: a.cluster === "" ? b.cluster : a.cluster,
  };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

export interface Fit {
  readonly fits: boolean;
  /** How many preferred tags and labels the host has. */
  readonly preferred: number;
  /** False when a minimum is asked of which the host's inspection says nothing. */
  readonly hardwareKnown: boolean;
  /** Why it does not fit, for people; empty when it fits. */
  readonly reasons: string[];
}

/** Everything about one claim's requirements on one host. Where only yes or no matters, `fits` is much faster. */
export function fit(requirements: Requirements, host: Host): Fit {
  const reasons: string[] = [];
  for (const key of requirements.requiredTags) {
    if (!hasTag(host, key)) reasons.push(`it has no label ${key}`);
  }
  for (const key in requirements.requiredLabels) {
    const want = requirements.requiredLabels[key]!;
    if (!hasLabel(host, key, want)) reasons.push(`its label ${key} is ${shown(host, key)}, not ${want}`);
  }
  for (const expression of requirements.expressions) {
    if (!meets(host, expression)) reasons.push(expressionReason(host, expression));
  }
  for (const { word, min, unit } of MINIMA) {
    const have = host.hardware?.[word] ?? null;
    if (have !== null && have < requirements[min]) {
      reasons.push(`it has ${have} ${unit}, less than ${requirements[min]}`);
    }
  }
  if (!isOpenTo(host, requirements.cluster)) {
    reasons.push(`it is reserved for cluster ${host.reservedFor!.namespace}/${host.reservedFor!.name}`);
  }
  return {
    fits: reasons.length === 0,
    preferred: preferredCount(requirements, host),
    hardwareKnown: hardwareKnown(requirements, host),
    reasons,
  };
}

/** True exactly when `fit` finds no reason against the host. Hardware that nobody inspected may fit. */
export function fits(requirements: Requirements, host: Host): boolean {
  if (host.reservedFor !== null && !isOpenTo(host, requirements.cluster)) return false;
  for (const key of requirements.requiredTags) if (!hasTag(host, key)) return false;
  for (const key in requirements.requiredLabels) {
    if (!hasLabel(host, key, requirements.requiredLabels[key]!)) return false;
  }
  for (const expression of requirements.expressions) if (!meets(host, expression)) return false;
  const { hardware } = host;
  return (
    hardware === null ||
    (atLeast(hardware.cpuCores, requirements.minCPUCores) &&
      atLeast(hardware.memoryGB, requirements.minMemoryGB) &&
      atLeast(hardware.diskGB, requirements.minDiskGB))
  );
}

/** How many preferred tags and labels the host has. */
export function preferredCount(requirements: Requirements, host: Host): number {
  let count = 0;
  for (const key of requirements.preferredTags) if (hasTag(host, key)) count++;
  for (const key in requirements.preferredLabels) {
    if (hasLabel(host, key, requirements.preferredLabels[key]!)) count++;
  }
  return count;
}

/** Whether a host that fits is kept for who asks this. */
export function isKeptFor({ expressions }: Requirements, host: Host): boolean {
  return expressions.some(({ key, operator }) => operator === "AbsentOrIn" && hasTag(host, key));
}

/** True when the inspection speaks of every minimum that is asked. */
export function hardwareKnown(requirements: Requirements, host: Host): boolean {
  return MINIMA.every(({ word, min }) => requirements[min] <= 0 || (host.hardware?.[word] ?? null) !== null);
}

const MINIMA: readonly {
  word: keyof Hardware;
  min: "minCPUCores" | "minMemoryGB" | "minDiskGB";
  unit: string;
}[] = [
  { word: "cpuCores", min: "minCPUCores", unit: "CPU cores" },
  { word: "memoryGB", min: "minMemoryGB", unit: "GB of memory" },
  { word: "diskGB", min: "minDiskGB", unit: "GB of disk" },
];

function atLeast(have: number | null, min: number): boolean {
  return have === null || have >= min;
}

// Label keys come from people: "constructor" is a valid one, so inherited properties must not count.
function hasTag(host: Host, key: string): boolean {
  return Object.hasOwn(host.labels, key);
}

function hasLabel(host: Host, key: string, value: string): boolean {
  return Object.hasOwn(host.labels, key) && host.labels[key] === value;
}

/** Kubernetes: a label that is absent satisfies NotIn. */
function meets(host: Host, { key, operator, values }: LabelExpression): boolean {
  const present = hasTag(host, key);
  switch (operator) {
    case "Exists":
      return present;
    case "DoesNotExist":
      return !present;
    case "In":
      return present && values.includes(host.labels[key]!);
    case "NotIn":
      return !present || !values.includes(host.labels[key]!);
    case "AbsentOrIn":
      return !present || values.includes(host.labels[key]!);
  }
}

/** False for a host that is reserved for another cluster. Clusters reserve hosts of their own namespace only. */
export function isOpenTo(host: Host, cluster: string): boolean {
  const reserved = host.reservedFor;
  return reserved === null || (reserved.name === cluster && reserved.namespace === host.namespace);
}

function shown(host: Host, key: string): string {
  return hasTag(host, key) ? host.labels[key] || '""' : "absent";
}

function expressionReason(host: Host, { key, operator, values }: LabelExpression): string {
  switch (operator) {
    case "Exists":
      return `it has no label ${key}`;
    case "DoesNotExist":
      return `it has the label ${key}`;
    case "In":
      return `its label ${key} is ${shown(host, key)}, not one of ${values.join(", ")}`;
    case "NotIn":
      return `its label ${key} is ${shown(host, key)}, which is excluded`;
    case "AbsentOrIn":
      return `its label ${key} keeps it for ${shown(host, key)}`;
  }
}
