import assert from "node:assert/strict";
import type { ReviewDoor, ReviewPath } from "./door.ts";

export interface Verdict {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: {
    readonly code: number;
    readonly message: string;
    readonly details?: {
      readonly retryAfterSeconds?: number;
      readonly causes?: { readonly reason: string }[];
    };
  };
  readonly patch?: string;
  readonly auditAnnotations?: { readonly mode?: string };
}

/**
 * What the door answers: a verdict with the review's own uid, or undefined for a plain 4xx. A fault that was caught
 * and told as a verdict is one all the same, and fails here.
 */
export async function clearAnswer(
  door: ReviewDoor,
  body: string | Buffer,
  { path = "/mutate", uid }: { path?: ReviewPath; uid?: string } = {},
): Promise<Verdict | undefined> {
  const { status, text } = await door.post(body, path);
  // Taken, so that a shorter example of the same is not blamed for this one.
  assert.deepEqual(door.faults.splice(0), [], text);
  if (status !== 200) {
    assert.ok(status >= 400 && status < 500, `${status} ${text}`);
    return undefined;
  }
  const { kind, apiVersion, response } = JSON.parse(text);
  assert.deepEqual([kind, apiVersion], ["AdmissionReview", "admission.k8s.io/v1"]);
  assert.equal(typeof response.allowed, "boolean");
  if (uid !== undefined) assert.equal(response.uid, uid);
  if (!response.allowed) {
    assert.ok(response.status.code >= 400 && response.status.message !== "");
    assert.equal(response.status.details?.retryAfterSeconds, undefined);
  }
  return response;
}

/** The code by which a verdict says no; "" for one that says yes. */
export function reasonOf({ status }: Verdict): string {
  return status?.details?.causes?.[0]?.reason ?? "";
}
