import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { examine, type GroupedFinding } from "../doctor/checks.ts";
import { collect } from "../doctor/collect.ts";
import { problem } from "../doctor/finding.ts";
import { reportText } from "../doctor/report.ts";
import { KubeError } from "../kube/errors.ts";
import type { CommandIo } from "./command-io.ts";
import { formatted } from "./output.ts";

/** What `doctor` needs beyond the other commands: it watches the Lease for some seconds. */
export interface DoctorIo extends CommandIo {
  readonly clock: Clock;
}

/**
 * `doctor`: everything that can be wrong with an installation, what of it is, and how to mend it. Changes nothing.
 * Exit code 1 where something of severity error is found, 0 otherwise, with warnings too. Never rejects for what the
 * API server answers: one that can't be reached is a finding.
 */
export async function runDoctor(config: Config, io: DoctorIo): Promise<number> {
  const findings = await findingsOf(config, io);
  const healthy = findings.every(({ severity }) => severity !== "error");
  io.out(formatted(config.output, { healthy, findings }, () => reportText(findings)));
  return healthy ? 0 : 1;
}

async function findingsOf(config: Config, io: DoctorIo): Promise<GroupedFinding[]> {
  try {
    return examine(await collect({ api: io.api, clock: io.clock, config }));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const context = config.kubeconfig === "" ? "" : ` --kubeconfig ${config.kubeconfig}`;
    const found = problem("ApiServerUnreachable", "error", error.message, `kubectl cluster-info${context}`);
    return [{ group: "API server", ...found }];
  }
}
