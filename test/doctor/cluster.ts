import assert from "node:assert/strict";
import { runDoctor } from "../../src/cli/doctor.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { parseConfig } from "../../src/config.ts";
import type { GroupedFinding } from "../../src/doctor/checks.ts";
import type { KubeApi } from "../../src/kube/api.ts";

/** What the command says of a cluster, and how it ends. */
export interface Diagnosis {
  readonly code: number;
  readonly findings: readonly GroupedFinding[];
  /** "severity what" of the problems with this code. */
  of(id: string): string[];
  /** Codes of all problems, each once. */
  readonly problems: readonly string[];
}

export interface DiagnoseOptions {
  readonly flags?: readonly string[];
  readonly clock?: Clock;
}

export async function diagnose(api: KubeApi, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { flags = [], clock = systemClock } = options;
  const parsed = parseConfig(["doctor", "-o", "json", ...flags], {});
  assert(parsed.ok, JSON.stringify(parsed));
  const printed: string[] = [];
  const out = (text: string) => void printed.push(text);
  const io = { api, clock, out, err: () => {} };
  const code = await runDoctor(parsed.config, io);
  const { findings } = JSON.parse(printed.join("\n")) as { findings: GroupedFinding[] };
  const bad = findings.filter(({ severity }) => severity !== "ok");
  return {
    code,
    findings,
    of: (id) => bad.filter((finding) => finding.id === id).map(({ severity, what }) => `${severity} ${what}`),
    problems: [...new Set(bad.map(({ id }) => id))],
  };
}
