import { bareMetalHostProfile } from "./bare-metal-host.ts";
import { physicalHostProfile } from "./physical-host.ts";
import type { HostProfile } from "./profile.ts";

/** Every kind of host that this service knows. */
export const profiles: readonly HostProfile[] = Object.freeze([physicalHostProfile, bareMetalHostProfile]);

/** By Host.kind; undefined for a kind that this service does not know. */
export function profileForKind(hostKind: string): HostProfile | undefined {
  return profiles.find((profile) => profile.hostType.kind === hostKind);
}

/** By the kind of the machines that claim such hosts. */
export function profileForMachineKind(machineKind: string): HostProfile | undefined {
  return profiles.find((profile) => profile.machineKind === machineKind);
}
