import type { Config } from "../config.ts";
import { type QueueEntry, viewQueue } from "../queue/entries.ts";
import type { CommandIo } from "./command-io.ts";
import { age, formatted, table } from "./output.ts";
import { readWorld } from "./read-world.ts";

/** `queue`: who waits for a host, in order, and why. Exit code 0, also when nobody waits. Rejects with a KubeError. */
export async function runQueue(config: Pick<Config, "namespace" | "output">, io: CommandIo): Promise<number> {
  const { world, missing } = await readWorld(io.api, config.namespace);
  for (const resource of missing) io.err(`${resource} is not installed here`);
  const namespace = config.namespace || null;
  const view = viewQueue(world, { nowMs: io.clock.wallMs(), namespace, limit: Number.POSITIVE_INFINITY });
  const isText = config.output === "text" || config.output === "wide";
  if (isText && view.total === 0) {
    io.err(`Nobody waits for a host${namespace === null ? "" : ` in namespace ${namespace}`}.`);
    return 0;
  }
  const rows = () => table([HEADS[config.output === "wide" ? "wide" : "text"], ...view.entries.map(rowOf)]);
  const rowOf = (entry: QueueEntry) => cells(entry, config.output === "wide");
  io.out(formatted(config.output, { namespace, ...view }, rows));
  return 0;
}

const TEXT = ["POSITION", "PRIORITY", "AGE", "CONSUMER", "NEEDS", "WHY"];
const HEADS = { text: TEXT, wide: [...TEXT, "KIND", "POOL", "PHASE", "HOST", "REQUEST"] };

function cells(entry: QueueEntry, wide: boolean): string[] {
  const { position, priority, ageSeconds, consumer, needs, why, host, nextHost } = entry;
  const place = position === null ? "-" : String(position);
  const who = `${consumer.namespace}/${consumer.name}`;
  const narrow = [place, String(priority), age(ageSeconds), who, needs, why];
  if (!wide) return narrow;
  const pool = `${entry.hostKind}/${entry.namespace}`;
  return [...narrow, consumer.kind, pool, entry.phase, host ?? nextHost ?? "-", entry.request ?? "-"];
}
