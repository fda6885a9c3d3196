import type { Consumer } from "../claims/claim.ts";

/** What the profiles say of kinds. */
export interface Kinds {
  /** The kind of host that machines of this kind claim; undefined for other consumers. */
  hostKindOf(machineKind: string): string | undefined;
  /** Whether this consumer may hold hosts of other namespaces. */
  mayCrossNamespaces(consumer: Consumer): boolean;
}
