import type { ApiError } from "../src/claims/reasons.ts";
import type { KubeObject } from "../src/kube/api.ts";
import { readFields, type Selection, select } from "./json-fields.ts";

/**
 * The wire form of admission.k8s.io/v1, decoded and encoded once, here. Only the fields that a verdict can depend
 * on are kept; a request that lacks one of them is refused, never completed with an empty value, because an
 * absent oldObject that reads as "no consumer" would turn a steal into a claim.
 */
export interface ReviewRequest {
  readonly uid: string;
  readonly operation: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
  readonly userInfo: UserInfo;
  /** Holds only what WRITTEN_FIELDS names. */
  readonly object: KubeObject;
  /** Holds only what HOST_FIELDS names. */
  readonly oldObject: KubeObject;
}

export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type Decoded =
  | { ok: true; request: ReviewRequest }
  /** `uid` is "" where the body does not say; `problem` names the field and what it should have been. */
  | { ok: false; uid: string; problem: string };

/** What a verdict may read of a host, whatever its kind. Its inventory is not there: the mirror knows it. */
export const HOST_FIELDS = {
  kind: "whole",
  metadata: {
    name: "whole",
    namespace: "whole",
    uid: "whole",
    resourceVersion: "whole",
    deletionTimestamp: "whole",
    labels: "whole",
    annotations: "whole",
  },
  spec: { consumerRef: "whole" },
  status: {
    state: "whole",
    errorType: "whole",
    errorMessage: "whole",
    provisioning: { state: "whole" },
  },
} as const satisfies Selection;

/** What a verdict may read of the host as it is to become: a verdict is about the host as it is. */
export const WRITTEN_FIELDS = {
  metadata: { name: "whole", namespace: "whole", uid: "whole", annotations: "whole" },
  spec: { consumerRef: "whole" },
} as const satisfies Selection;

const REVIEW_FIELDS = select({
  kind: "whole",
  apiVersion: "whole",
  request: {
    uid: "whole",
    operation: "whole",
    resource: { group: "whole", version: "whole", resource: "whole" },
    subResource: "whole",
    namespace: "whole",
    name: "whole",
    dryRun: "whole",
    // Frozen: readUserInfo goes by the object.
    userInfo: "repeated",
    object: WRITTEN_FIELDS,
    oldObject: HOST_FIELDS,
  },
});

type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Never throws. */
export function decodeReview(body: Buffer | string): Decoded {
  let review: unknown;
  try {
    review = readFields(typeof body === "string" ? Buffer.from(body) : body, REVIEW_FIELDS);
  } catch {
    return refuse("", "the body is not JSON");
  }
  if (!isRecord(review)) return refuse("", "the body is not an object");
  const request = review.request;
  if (!isRecord(request)) return refuse("", "request is missing");
  const uid = request.uid;
  if (typeof uid !== "string" || uid === "" || uid.length > 256) return refuse("", "request.uid is missing");
  if (review.kind !== "AdmissionReview" || review.apiVersion !== "admission.k8s.io/v1") {
    return refuse(uid, "kind and apiVersion must be AdmissionReview of admission.k8s.io/v1");
  }
  const resource = request.resource;
  if (!isRecord(resource)) return refuse(uid, "request.resource is missing");
  const object = request.object;
  const oldObject = request.oldObject;
  if (!isHostLike(object)) return refuse(uid, "request.object with metadata.uid is missing");
  if (!isHostLike(oldObject)) return refuse(uid, "request.oldObject with metadata.uid is missing");
  const userInfo = readUserInfo(request.userInfo);
  if (userInfo === undefined) return refuse(uid, "request.userInfo is malformed");
  return {
    ok: true,
    request: {
      uid,
      operation: text(request.operation),
      group: text(resource.group),
      version: text(resource.version),
      resource: text(resource.resource),
      subresource: text(request.subResource),
      namespace: text(request.namespace),
      name: text(request.name),
      dryRun: request.dryRun === true,
      userInfo,
      object,
      oldObject,
    },
  };
}

function refuse(uid: string, problem: string): Decoded {
  return { ok: false, uid, problem };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isHostLike(value: unknown): value is KubeObject {
  if (!isRecord(value) || !isRecord(value.metadata)) return false;
  const { name, uid, annotations, labels } = value.metadata;
  return typeof name === "string" && typeof uid === "string" && isTextMap(annotations) && isTextMap(labels);
}

/** The API server only ever sends maps of strings; a forged body must not reach code that trusts that. */
function isTextMap(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (!isRecord(value)) return false;
  for (const key in value) if (typeof value[key] !== "string") return false;
  return true;
}

/** The same for the same object, so that others may remember what they concluded from it. */
function readUserInfo(value: unknown): UserInfo | undefined {
  if (!isRecord(value)) return undefined;
  let userInfo = userInfos.get(value);
  if (userInfo === undefined) {
    userInfo = checkUserInfo(value);
    if (userInfo !== undefined) userInfos.set(value, userInfo);
  }
  return userInfo;
}

const userInfos = new WeakMap<Json, UserInfo>();

function checkUserInfo(value: Json): UserInfo | undefined {
  const groups = value.groups ?? [];
  const extra = value.extra ?? {};
  if (!isTextList(groups) || !isRecord(extra)) return undefined;
  for (const key in extra) if (!isTextList(extra[key])) return undefined;
  return { username: text(value.username), groups, extra: extra as Record<string, string[]> };
}

function isTextList(value: unknown): value is string[] {
  if (!Array.isArray(value)) return false;
  for (const item of value) if (typeof item !== "string") return false;
  return true;
}

/** What a handler answers; encodeReview puts it on the wire. */
export interface ReviewAnswer {
  readonly allowed: boolean;
  /** Only when not allowed. */
  readonly status?: ApiError;
  /** RFC 6902; only on /mutate. */
  readonly patch?: readonly { op: "add" | "replace" | "remove"; path: string; value?: unknown }[];
  /** Shown by kubectl; each at most 120 characters where possible, as the API server asks. */
  readonly warnings?: readonly string[];
  /** Keys get the webhook's name as a prefix by the API server. */
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export type ReviewHandler = (
  request: ReviewRequest,
  signal: AbortSignal,
) => Promise<ReviewAnswer> | ReviewAnswer;

/** Why a review got no verdict. */
export type ReviewFailure =
  | { code: "Overloaded" }
  /** `tookMs`: since the whole request was there, milliseconds. */
  | { code: "DeadlineExceeded"; tookMs: number }
  | { code: "Malformed"; problem: string }
  | { code: "Internal"; cause: unknown; tookMs: number };

/** A patch makes most of an answer, and in base64 there is nothing in it to escape: only the rest is stringified. */
export function encodeReview(uid: string, answer: ReviewAnswer): string {
  let response = `"uid":${JSON.stringify(uid)},"allowed":${answer.allowed}`;
  if (answer.status !== undefined)
    response += `,"status":${JSON.stringify({ status: "Failure", ...answer.status })}`;
  if (answer.patch !== undefined && answer.patch.length > 0) {
    const patch = Buffer.from(JSON.stringify(answer.patch)).toString("base64");
    response += `,"patchType":"JSONPatch","patch":"${patch}"`;
  }
  if (answer.warnings !== undefined && answer.warnings.length > 0)
    response += `,"warnings":${JSON.stringify(answer.warnings)}`;
  if (answer.auditAnnotations !== undefined)
    response += `,"auditAnnotations":${JSON.stringify(answer.auditAnnotations)}`;
  return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{${response}}}`;
}
