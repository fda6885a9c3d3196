import type { Hardware } from "../claims/claim.ts";
import { fieldsOf, listOf, numberOf, textOf } from "./fields.ts";

const GB_OF_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  M: 1 / 1024,
  G: 1,
  T: 1024,
};

/**
 * Gigabytes of a capacity as inspections write it: "32GB", "32 GiB", "1.5TB", "65536MB". A bare number is
 * gigabytes, since Beskar7 reads nothing but the number. undefined for anything else.
 */
export function parseCapacityGB(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([MGT])(?:i?B)?)?\s*$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * GB_OF_UNIT[(match[2] ?? "").toUpperCase()]!;
}

/** Beskar7's status.inspectionReport; null before an inspection. What a list does not say is null, not 0. */
export function hardwareOfReport(report: unknown): Hardware | null {
  if (typeof report !== "object" || report === null) return null;
  const fields = fieldsOf(report);
  return {
    cpuCores: sum(fields.cpus, (cpu) => numberOf(cpu.cores)),
    memoryGB: sum(fields.memory, (module) => parseCapacityGB(textOf(module.capacity))),
    diskGB: sum(fields.disks, (disk) => numberOf(disk.sizeGB)),
  };
}

/** Metal3's status.hardware: CPUs, RAM in MiB, disks in bytes; null before an inspection. */
export function hardwareOfMetal3(hardware: unknown): Hardware | null {
  if (typeof hardware !== "object" || hardware === null) return null;
  const fields = fieldsOf(hardware);
  const ramMiB = numberOf(fields.ramMebibytes);
  const diskBytes = sum(fields.storage, (disk) => numberOf(disk.sizeBytes));
  return {
    cpuCores: numberOf(fieldsOf(fields.cpu).count) ?? null,
    memoryGB: ramMiB === undefined ? null : ramMiB / 1024,
    diskGB: diskBytes === null ? null : Math.floor(diskBytes / 1e9),
  };
}

function sum(
  list: unknown,
  amountOf: (entry: Readonly<Record<string, unknown>>) => number | undefined,
): number | null {
  let total: number | null = null;
  for (const entry of listOf(list)) {
    const amount = amountOf(fieldsOf(entry));
    if (amount !== undefined) total = (total ?? 0) + amount;
  }
  return total;
}
