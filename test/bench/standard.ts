import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import type { Rig } from "../e2e/rig.ts";

/** The standard coordinator is what is left without this service: controllers that claim optimistically. */
export async function unregister(rig: Rig): Promise<void> {
  await rig.unregister(MUTATING_WEBHOOK_CONFIGURATIONS);
  await rig.unregister(VALIDATING_WEBHOOK_CONFIGURATIONS);
}
