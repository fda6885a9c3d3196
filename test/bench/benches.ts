/** In the order of docs/measurements.md. */

import { admissionBench } from "./admission.ts";
import { claimsBench } from "./claims.ts";
import { comparisonBench } from "./comparison.ts";
import { contentionBench } from "./contention.ts";
import { optimisticBench } from "./contention-optimistic.ts";
import { electionBench } from "./election.ts";
import { growthBench } from "./growth.ts";
import type { Bench } from "./main.ts";
import { mirrorBench } from "./mirror.ts";
import { sandboxBench } from "./sandbox.ts";
import { soakBench } from "./soak.ts";
import { startupBench } from "./startup.ts";
import { conformanceBench, rotationBench } from "./suites.ts";

export const BENCHES: readonly Bench[] = [
  claimsBench,
  contentionBench,
  optimisticBench,
  comparisonBench,
  growthBench,
  mirrorBench,
  sandboxBench,
  conformanceBench,
  electionBench,
  admissionBench,
  rotationBench,
  soakBench,
  startupBench,
];
