import { KubeError } from "../../src/kube/errors.ts";
import type { Json } from "../controlplane/index.ts";

/** How the API server refused a write, as a client library sees it. */
export interface Refusal {
  readonly code: number;
  /** metav1.StatusReason */
  readonly reason: string;
  /** The coordinator's own code, for example "Delegated"; "" where it was not the coordinator that refused. */
  readonly verdict: string;
  readonly message: string;
  /** The other facts, by their name. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Rejects when the write succeeds, or ends without an answer. */
export async function refusalOf(write: Promise<unknown>): Promise<Refusal> {
  try {
    await write;
  } catch (error) {
    if (error instanceof KubeError && error.status !== undefined) return readStatus(error.status);
    throw error;
  }
  throw new Error("the write was not refused");
}

export function readStatus(status: Json): Refusal {
  const causes: { reason?: string; message?: string; field?: string }[] = status.details?.causes ?? [];
  const [verdict, ...facts] = causes;
  return {
    code: status.code ?? 0,
    reason: status.reason ?? "",
    verdict: verdict?.field === "spec.consumerRef" ? (verdict.reason ?? "") : "",
    message: status.message ?? "",
    facts: Object.fromEntries(facts.map(({ reason = "", message = "" }) => [reason, message])),
  };
}
