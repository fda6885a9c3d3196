import { WHY } from "./why.ts";

export type Severity = "ok" | "warning" | "error";

/** Every problem that can be found. Codes are API (-o json) and are never renamed. */
export type ProblemId = keyof typeof WHY;

export interface Finding {
  /** A problem's code; for what is as it should be, the id of the check. */
  readonly id: string;
  readonly severity: Severity;
  /** What was found, with the names of the objects. */
  readonly what: string;
  /** Why it matters; "" with ok. */
  readonly why: string;
  /** The command that mends it, or shows what to mend; "" with ok. */
  readonly mend: string;
}

export function ok(id: string, what: string): Finding {
  return { id, severity: "ok", what, why: "", mend: "" };
}

export function problem(id: ProblemId, severity: "warning" | "error", what: string, mend: string): Finding {
  return { id, severity, what, why: WHY[id], mend };
}

/** The first `most` of a long list, and how many there are beside them. */
export function several(items: readonly string[], most = 5): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(", ")} and ${rest} more` : items.join(", ");
}

/** "1 host", "3 hosts". */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
