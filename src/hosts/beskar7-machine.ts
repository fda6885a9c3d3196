import { NO_REQUIREMENTS } from "../claims/requirements.ts";
import type { KubeObject } from "../kube/api.ts";
import { BESKAR7_MACHINES } from "../kube/types.ts";
import { fieldsOf, isFalseFor, numberOf, specOf, statusOf, textOf } from "./fields.ts";
import { readMachineOf } from "./machine.ts";
import type { Machine } from "./profile.ts";

const ASSOCIATED = "PhysicalHostAssociated";
// Both names stand for the same reason in Beskar7's API.
const WAITING_REASONS = ["WaitingForPhysicalHost", "WaitingForHost"];

/**
 * Beskar7Machine of the current release (requirements in spec.hardwareRequirements) and of v0.3.4 (an image URL,
 * which that release's host controller wants on the host before it provisions it).
 */
export function readBeskar7Machine(object: KubeObject): Machine {
  const spec = specOf(object);
  const hardware = fieldsOf(spec.hardwareRequirements);
  const imageUrl = textOf(spec.imageURL);
  return readMachineOf(BESKAR7_MACHINES, object, {
    requirements: {
      ...NO_REQUIREMENTS,
      minCPUCores: numberOf(hardware.minCPUCores) ?? 0,
      minMemoryGB: numberOf(hardware.minMemoryGB) ?? 0,
      minDiskGB: numberOf(hardware.minDiskGB) ?? 0,
    },
    problems: [],
    // With a providerID its controller has a host already, whatever an old condition says.
    waits:
      textOf(spec.providerID) === "" && isFalseFor(statusOf(object).conditions, ASSOCIATED, WAITING_REASONS),
    hostSpec: imageUrl === "" ? {} : { bootIsoSource: imageUrl },
  });
}
