import { checkCertificate } from "./checks/certificates.ts";
import { checkQueue, checkRejections } from "./checks/claims.ts";
import { checkClocks } from "./checks/clocks.ts";
import { checkAnnotations, checkHosts } from "./checks/hosts.ts";
import { checkHolder, checkLease } from "./checks/lease.ts";
import { checkMetrics } from "./checks/metrics.ts";
import { checkFlags, checkIdentities, checkReplicas } from "./checks/replicas.ts";
import { checkRights } from "./checks/rights.ts";
import { checkReachable, checkRegistrations } from "./checks/webhooks.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

interface Check {
  /** Heads its findings; checks of one group stand together. */
  readonly group: string;
  /** Pure. Nothing found and nothing to say: an empty list. */
  run(snapshot: Snapshot): readonly Finding[];
}

/** Every check, in the order of the report. */
const CHECKS: readonly Check[] = [
  { group: "Leader election", run: checkLease },
  { group: "Leader election", run: checkHolder },
  { group: "Replicas", run: checkReplicas },
  { group: "Replicas", run: checkFlags },
  { group: "Replicas", run: checkIdentities },
  { group: "Replicas", run: checkMetrics },
  { group: "Rights", run: checkRights },
  { group: "Webhooks", run: checkRegistrations },
  { group: "Webhooks", run: checkReachable },
  { group: "Webhooks", run: checkCertificate },
  { group: "Clocks", run: checkClocks },
  { group: "Claims", run: checkQueue },
  { group: "Claims", run: checkRejections },
  { group: "Hosts and machines", run: checkHosts },
  { group: "Hosts and machines", run: checkAnnotations },
];

export interface GroupedFinding extends Finding {
  readonly group: string;
}

export function examine(snapshot: Snapshot): GroupedFinding[] {
  return CHECKS.flatMap(({ group, run }) => run(snapshot).map((finding) => ({ group, ...finding })));
}
