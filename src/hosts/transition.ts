import { type Consumer, sameConsumer } from "../claims/claim.ts";
import type { KubeObject } from "../kube/api.ts";
import { readReference, sameReference } from "./consumer-ref.ts";
import { specOf } from "./fields.ts";
import type { HostTransition } from "./profile.ts";

export interface TransitionRules {
  readonly machineKind: string;
  /** A reference that only keeps the host for a cluster, and is nobody's holding. */
  isReservation(consumer: Consumer): boolean;
  mayCrossNamespaces(consumer: Consumer): boolean;
}

/**
 * Classifies one write of a host by its consumerRef before and after. Exactly one of:
 * none: nothing changed. completion: same consumer, fields added. claim: from nobody, or from a reservation, to a
 * consumer or to another cluster. release: to nobody. reservation: to a cluster, which gives nobody a host. steal:
 * from one consumer to another.
 */
export function classify(
  rules: TransitionRules,
  oldObject: KubeObject,
  newObject: KubeObject,
): HostTransition {
  const [before, after] = [oldObject, newObject].map((object) =>
    readReference(specOf(object).consumerRef, rules.machineKind, object.metadata.namespace ?? ""),
  ) as [Consumer | null, Consumer | null];
  const mayCrossNamespaces = after !== null && rules.mayCrossNamespaces(after);
  if (after === null) {
    return { transition: before === null ? "none" : "release", consumer: null, mayCrossNamespaces };
  }
  const reserves = rules.isReservation(after);
  const consumer = reserves ? null : after;
  if (before !== null && sameConsumer(before, after)) {
    const unchanged = sameReference(specOf(oldObject).consumerRef, specOf(newObject).consumerRef);
    return { transition: unchanged ? "none" : "completion", consumer, mayCrossNamespaces };
  }
  const wasReserved = before !== null && rules.isReservation(before);
  // Judged like a claim, so that it ends there: the host is not open to another cluster.
  if (reserves && wasReserved) return { transition: "claim", consumer: after, mayCrossNamespaces };
  if (reserves) return { transition: "reservation", consumer, mayCrossNamespaces };
  return { transition: before === null || wasReserved ? "claim" : "steal", consumer, mayCrossNamespaces };
}
