import { type Finding, ok, problem } from "../finding.ts";
import type { Snapshot, Span } from "../snapshot.ts";
import { seconds } from "./words.ts";

/** A difference below this is within what NTP and slow answers explain. */
const TOLERATED_MS = 5_000;

/** This machine's clock, and the holder's, against the API server's. */
export function checkClocks({ serverAhead, lease }: Snapshot): Finding[] {
  const holder = lease.ok ? (lease.value?.holderAhead ?? null) : null;
  return [
    ...(serverAhead === null ? [] : judge("This machine's clock", negated(serverAhead))),
    ...(holder === null ? [] : judge("The holder's clock", holder)),
  ];
}

function judge(whose: string, ahead: Span): Finding[] {
  const certainMs = certainly(ahead);
  if (Math.abs(certainMs) < TOLERATED_MS) {
    return [ok("clocks", `${whose} agrees with the API server's within ${seconds(TOLERATED_MS)}`)];
  }
  const direction = certainMs > 0 ? "ahead of" : "behind";
  const what = `${whose} is ${seconds(Math.abs(certainMs))} ${direction} the API server's, at least`;
  return [problem("ClockSkew", "warning", what, "timedatectl timesync-status")];
}

const negated = ({ leastMs, mostMs }: Span): Span => ({ leastMs: -mostMs, mostMs: -leastMs });

/** The bound that is nearer to zero; 0 where the truth may be either side of it. */
function certainly({ leastMs, mostMs }: Span): number {
  if (leastMs > 0) return leastMs;
  return mostMs < 0 ? mostMs : 0;
}
