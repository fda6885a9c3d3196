import { randomUUID } from "node:crypto";
import { formatTerm } from "../../src/claims/claim.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { isNotFound } from "../../src/kube/errors.ts";
import { LEASES } from "../../src/kube/types.ts";
import { HOLDER_ANNOTATION, readLease, termOf } from "../../src/leader/lease.ts";
import { LEASE_NAME, LEASE_NAMESPACE, type Rig } from "./rig.ts";

const KEY = { namespace: LEASE_NAMESPACE, name: LEASE_NAME };

export interface HeldLease {
  readonly identity: string;
  /** formatTerm */
  readonly term: string;
}

/**
 * Gives the Lease to this pod for longer than any test lasts, in a new term, whoever holds it: a holder without a
 * process. Resolves when every replica knows it. `foreign`: as an elector that is none of ours would write it.
 */
export async function holdLease(
  rig: Rig,
  pod: string,
  options: { foreign?: boolean } = {},
): Promise<HeldLease> {
  const identity = `${pod}_${randomUUID()}`;
  const previous = await readOrNull(rig);
  const now = new Date().toISOString().replace("Z", "000Z");
  const lease: KubeObject = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...KEY,
      annotations: { [HOLDER_ANNOTATION]: options.foreign ? "somebody-else" : identity },
    },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: 3_600,
      leaseTransitions: previous === null ? 0 : readLease(previous).leaseTransitions + 1,
      acquireTime: now,
      renewTime: now,
    },
  };
  const written = await (previous === null
    ? rig.admin.create(LEASES, lease)
    : rig.admin.patch(LEASES, KEY, { type: "merge", body: lease }));
  const term = formatTerm(termOf(readLease(written)));
  await rig.known(({ holder }) => {
    const state = holder.state();
    return state.kind === "valid" && formatTerm(state.term) === term;
  });
  return { identity, term };
}

/** Nobody holds the Lease any more, and every replica knows it. */
export async function dropLease(rig: Rig): Promise<void> {
  if ((await readOrNull(rig)) !== null) await rig.admin.delete(LEASES, KEY);
  await rig.known(({ holder }) => holder.state().kind === "none");
}

async function readOrNull(rig: Rig): Promise<KubeObject | null> {
  try {
    return await rig.admin.get(LEASES, KEY);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}
