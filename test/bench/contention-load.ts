/** Hosts, machines and requests by the thousand on a real API server. */
import type { KubeObject, ResourceType } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { CLAIM_REQUESTS } from "../../src/kube/types.ts";
import { CLAIM_REQUEST_API_VERSION, FINALIZER } from "../../src/requests/claim-request.ts";

/** Calls under way at once: more only makes each slower on two cores. */
const PARALLEL = 24;

export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, "0")}`);

export async function inParallel<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Requests of users, each with a place of its own in the queue, as the service leaves them when they wait. */
export function createRequests(api: KubeClient, namespace: string, names: readonly string[]): Promise<void> {
  return inParallel(names, (name) =>
    api.create(CLAIM_REQUESTS, {
      apiVersion: CLAIM_REQUEST_API_VERSION,
      kind: "ClaimRequest",
      metadata: { namespace, name, finalizers: [FINALIZER] },
      spec: { hostKind: "PhysicalHost" },
    }),
  );
}

export function setStatus(
  api: KubeClient,
  type: ResourceType,
  namespace: string,
  name: string,
  status: unknown,
): Promise<KubeObject> {
  const patch = { type: "merge", body: { status } } as const;
  return api.patch(type, { namespace, name }, patch, { subresource: "status" });
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? Number.NaN;
}
