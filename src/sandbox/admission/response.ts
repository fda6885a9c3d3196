import type { KubeStatus } from "../../kube/api.ts";
import { asArray, asObject, isObject, type JsonObject, jsonType } from "../json.ts";
import { jsonSyntaxError, parseJson } from "../json-syntax.ts";
import type { JsonPatchOperation } from "../patch/json-patch.ts";
import { ApiError } from "../status.ts";
import type { ReviewResponse, WebhookAnswer } from "./review.ts";
import type { WebhookKind } from "./webhook.ts";

/** Reads a webhook's answer. @throws Error in the API server's words when it is not a good review */
export function readReview(answer: WebhookAnswer, uid: string, kind: WebhookKind): ReviewResponse {
  const response = responseOf(answer);
  const invalid = (why: string) => new Error(`received invalid webhook response: ${why}`);
  if (response === undefined) throw invalid("webhook response was absent");
  if (response.uid !== uid) {
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`);
  }
  const { patch, patchType } = response;
  if (kind === "validating") {
    if (patch) throw invalid("validating webhook may not return response.patch");
    if (patchType) throw invalid("validating webhook may not return response.patchType");
  } else if (patch && !patchType) {
    throw invalid("webhook returned response.patch but not response.patchType");
  } else if (!patch && patchType) {
    throw invalid("webhook returned response.patchType but not response.patch");
  }
  return {
    allowed: response.allowed === true,
    patch: patch ? readPatch(String(patch)) : undefined,
    status: asObject(response.status),
    warnings: asArray(response.warnings).map(String),
    auditAnnotations: asObject(response.auditAnnotations) as Record<string, string>,
  };
}

function readPatch(patch: string): readonly JsonPatchOperation[] {
  const undecodable = (why: string) => new Error(`received undecodable patch in webhook response: ${why}`);
  let operations: unknown;
  try {
    operations = parseJson(Buffer.from(patch, "base64").toString());
  } catch (error) {
    throw undecodable((error as Error).message);
  }
  if (Array.isArray(operations)) return operations as JsonPatchOperation[];
  throw undecodable(`json: cannot unmarshal ${jsonType(operations)} into Go value of type jsonpatch.Patch`);
}

const REVIEW = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };

function responseOf(answer: WebhookAnswer): JsonObject | undefined {
  const failed = (why: string) => new Error(`failed to call webhook: ${why}`);
  const { code, body, contentType } = answer;
  if (code < 200 || code > 299) throw failed(httpError(answer));
  if (body === "")
    throw failed(`0-length response with status code: ${code} and content type: ${contentType ?? ""}`);
  const problem = jsonSyntaxError(body);
  if (problem !== undefined)
    throw failed(`couldn't get version/kind; json parse error: ${notJson(body, problem)}`);
  const review = asObject(JSON.parse(body));
  const { apiVersion = REVIEW.apiVersion, kind = REVIEW.kind, response } = review;
  const version = String(apiVersion).split("/").at(-1);
  if (kind !== REVIEW.kind) {
    // The place in the source is part of the API server's own message.
    const scheme = "pkg/runtime/scheme.go:111";
    throw failed(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "${scheme}"`,
    );
  }
  if (apiVersion !== REVIEW.apiVersion) {
    throw failed(`converting (${version}.${kind}) to (v1.${REVIEW.kind}): unknown conversion`);
  }
  if (!isObject(response)) return undefined;
  const at = String(response.patch ?? "").search(/[^A-Za-z0-9+/=\n]/);
  if (at >= 0) throw failed(`illegal base64 data at input byte ${at}`);
  return response;
}

/** Text that doesn't even begin like an object is tried as YAML, and is then a string. */
function notJson(body: string, problem: string): string {
  if (/^\s*[{[]/.test(body)) return problem;
  const target =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  return `json: cannot unmarshal string into Go value of type ${target}`;
}

function httpError({ code, body, contentType = "text/plain" }: WebhookAnswer): string {
  if (code === 404) return "the server could not find the requested resource";
  if (code >= 500) {
    const said = contentType.startsWith("text/") ? body.trim() : "unknown";
    return `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`;
  }
  return "the server rejected our request for an unknown reason";
}

/** The error with which a webhook's refusal reaches the client. */
export function denial(name: string, status: JsonObject): ApiError {
  const { code, message, reason, details } = status as Partial<KubeStatus>;
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const said = message || reason;
  return new ApiError({
    code: typeof code === "number" && code >= 400 ? code : 400,
    message: said ? `${denied}: ${said}` : `${denied} without explanation`,
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
  });
}
