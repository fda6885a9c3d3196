import type { KubeStatus } from "../../kube/api.ts";
import { asArray, asObject, isObject, type JsonObject } from "../json.ts";
import { ApiError } from "../status.ts";
import type { ReviewResponse, WebhookAnswer } from "./review.ts";
import type { WebhookKind } from "./webhook.ts";

/** Source: the API server cuts each warning to this length and all of a response to 4096 bytes. */
const MAX_WARNING_LENGTH = 256;

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
  } else if (patchType && patchType !== "JSONPatch") {
    throw invalid(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`);
  }
  return {
    allowed: response.allowed === true,
    patch: patch ? String(patch) : undefined,
    status: asObject(response.status),
    warnings: asArray(response.warnings).map((warning) => String(warning).slice(0, MAX_WARNING_LENGTH)),
    auditAnnotations: asObject(response.auditAnnotations) as Record<string, string>,
  };
}

function responseOf({ code, body }: WebhookAnswer): JsonObject | undefined {
  if (code < 200 || code > 299) throw new Error(`failed to call webhook: ${httpError(code, body)}`);
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch (error) {
    const why = `couldn't get version/kind; json parse error: ${(error as Error).message}`;
    throw new Error(`failed to call webhook: ${why}`, { cause: error });
  }
  const { apiVersion, kind } = asObject(review);
  if (!kind) throw new Error(`failed to call webhook: Object 'Kind' is missing in '${body}'`);
  if (!apiVersion) throw new Error(`failed to call webhook: Object 'apiVersion' is missing in '${body}'`);
  if (apiVersion !== "admission.k8s.io/v1" || kind !== "AdmissionReview") {
    const version = String(apiVersion).split("/").at(-1);
    throw new Error(
      `failed to call webhook: converting (${version}.${kind}) to (v1.AdmissionReview): unknown conversion`,
    );
  }
  const { response } = asObject(review);
  return isObject(response) ? response : undefined;
}

function httpError(code: number, body: string): string {
  if (code === 404) return "the server could not find the requested resource";
  if (code >= 500) {
    return `an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding`;
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
