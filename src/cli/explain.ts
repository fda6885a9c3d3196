import type { Config } from "../config.ts";
import { explainHost, type HostExplanation } from "../queue/explain-host.ts";
import { explainMachine, type HostVerdict, type MachineExplanation } from "../queue/explain-machine.ts";
import type { CommandIo } from "./command-io.ts";
import { findTarget } from "./explain-target.ts";
import { age, facts, formatted, table } from "./output.ts";
import { readWorld } from "./read-world.ts";

/**
 * `explain [KIND/]NAME`: for a machine or a request every host of its pool, fits or why not, and who is ahead; for a
 * host who would get it. Exit code 1 for what is not known, 2 for a kind that is none. Rejects with a KubeError.
 */
export async function runExplain(
  config: Pick<Config, "namespace" | "output" | "args">,
  io: CommandIo,
): Promise<number> {
  const { world, missing } = await readWorld(io.api, config.namespace);
  for (const resource of missing) io.err(`${resource} is not installed here`);
  const target = findTarget(world, config.args[0] ?? "", config.namespace);
  if (target.type === "problem") {
    io.err(target.problem);
    return target.exitCode;
  }
  if (target.type === "host") {
    const explanation = explainHost(world, target.host);
    io.out(formatted(config.output, explanation, () => hostText(explanation)));
    return 0;
  }
  const { machine } = target;
  const explanation = explainMachine(world, machine, io.clock.wallMs());
  if (explanation === null) {
    io.err(`nothing but a host's reference is known of ${machine.kind} ${machine.namespace}/${machine.name}`);
    return 1;
  }
  io.out(formatted(config.output, explanation, () => machineText(explanation, config.output === "wide")));
  return 0;
}

const VERDICTS: Readonly<Record<HostVerdict, string>> = {
  held: "has it",
  next: "gets it",
  fits: "fits",
  needed: "needed ahead",
  taken: "fits, not free",
  unfit: "does not fit",
};

function machineText({ entry, holds, ahead, aheadTotal, hosts }: MachineExplanation, wide: boolean): string {
  const pool = `${entry.hostKind} in ${entry.namespace}`;
  const more = aheadTotal > ahead.length ? [`... and ${aheadTotal - ahead.length} more`] : [];
  // Every reason with -o wide; the first one says enough to most.
  const reasons = (all: readonly string[]) => (wide ? all.join("; ") : (all[0] ?? "")) || "-";
  const parts = [
    facts([
      ["Machine", nameText(entry.consumer)],
      ["Position", entry.position === null ? "none" : `${entry.position} of ${pool}`],
      ["Priority", String(entry.priority)],
      ["Age", age(entry.ageSeconds)],
      ["Needs", entry.needs],
      ["Phase", entry.phase],
      ["Request", entry.request],
      ["Host", holds ?? entry.host],
      ["Why", entry.why],
    ]),
  ];
  if (ahead.length > 0) {
    const rows = ahead.map((claim, index) => [String(index + 1), nameText(claim), claim.needs]);
    parts.push([table([["AHEAD", "CONSUMER", "NEEDS"], ...rows]), ...more].join("\n"));
  }
  if (hosts.length > 0) {
    const rows = hosts.map((host) => [host.host, host.state, VERDICTS[host.verdict], reasons(host.reasons)]);
    parts.push(table([["HOST", "STATE", "VERDICT", "REASON"], ...rows]));
  }
  return parts.join("\n\n");
}

function hostText(explanation: HostExplanation): string {
  const { hostKind, namespace, host, state, why, consumer, next, fitting, fittingTotal, waitingTotal } =
    explanation;
  const wouldGet = next === null ? "nobody that waits" : nameText(next);
  const parts = [
    facts([
      ["Host", `${hostKind} ${namespace}/${host}`],
      ["State", `${state}: ${why}`],
      ["Consumer", consumer === null ? null : nameText(consumer)],
      [state === "Free" || state === "Reserved" ? "Goes to" : "Would go to", wouldGet],
      ["Fits", `${fittingTotal} of ${waitingTotal} waiting claims`],
    ]),
  ];
  if (fitting.length > 0) {
    const rows = fitting.map((claim) => [String(claim.position), nameText(claim), claim.needs]);
    parts.push(table([["POSITION", "CONSUMER", "NEEDS"], ...rows]));
  }
  return parts.join("\n\n");
}

const nameText = ({ kind, namespace, name }: { kind: string; namespace: string; name: string }) =>
  `${kind} ${namespace}/${name}`;
