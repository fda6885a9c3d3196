import type { KubeObject } from "../kube/api.ts";
import type { Remarks } from "./audit.ts";
import type { UserInfo } from "./auth/user.ts";
import type { Core } from "./core.ts";
import { DecodingError, decodeObject, mediaTypeOf, settleObject } from "./decode.ts";
import { asObject, clone, isObject, jsonType } from "./json.ts";
import { parseJson } from "./json-syntax.ts";
import { applyConfiguration, parseApply } from "./patch/apply.ts";
import { applyJsonPatch, JsonPatchError, parseJsonPatch } from "./patch/json-patch.ts";
import { mergePatch } from "./patch/merge-patch.ts";
import { strategicMergePatch } from "./patch/strategic-merge-patch.ts";
import type { ApiRequest, RequestInfo } from "./request.ts";
import type { Resource } from "./resources/resource.ts";
import { ApiError, badRequest, invalid, invalidValue, unsupportedMediaType } from "./status.ts";
import { changeObject, trackerFor, type Written } from "./updates.ts";
import { APPLY_PATCH, type WriteContext, writeContext } from "./write-options.ts";

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** PATCH in any of its four languages. */
export async function patchObject(
  core: Core,
  resource: Resource,
  request: ApiRequest,
  info: RequestInfo,
  user: UserInfo,
  remarks: Remarks,
): Promise<Written> {
  const mediaType = mediaTypeOf(request.contentType);
  const accepted = resource.custom
    ? [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    : [JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH];
  if (!accepted.includes(mediaType)) throw unsupportedMediaType(accepted);
  const context = writeContext("PatchOptions", request, info, user, remarks, mediaType === APPLY_PATCH);
  const body = request.body ?? "";
  return mediaType === APPLY_PATCH
    ? apply(core, resource, body, context)
    : change(core, resource, context, parsePatch(mediaType, body));
}

type Patcher = (document: unknown) => unknown;

function parsePatch(mediaType: string, body: string): Patcher {
  let patch: unknown;
  try {
    patch = parseJson(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
  if (mediaType === JSON_PATCH) {
    const operations = parseJsonPatch(patch);
    return (document) => applyJsonPatch(document, operations);
  }
  // Of a whole patch that is null it says what it says of a JSON patch.
  if (patch === null && mediaType === MERGE_PATCH) throw badRequest("Invalid JSON Patch");
  if (!isObject(patch)) {
    const why = `json: cannot unmarshal ${jsonType(patch)} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding patch: ${why}`);
  }
  return mediaType === MERGE_PATCH
    ? (document) => mergePatch(document, patch)
    : (document) => strategicMergePatch(document, patch);
}

function change(core: Core, resource: Resource, context: WriteContext, patch: Patcher): Promise<Written> {
  return changeObject(core, resource, context, {
    creates: false,
    next(current) {
      return decodePatched(runPatch(patch, current as KubeObject), resource, context);
    },
    track: trackerFor(core, resource, context),
  });
}

/** @throws ApiError 422 where a patch makes what can't be read */
function decodePatched(patched: unknown, resource: Resource, context: WriteContext): KubeObject {
  const text = JSON.stringify(patched);
  const refuse = (why: string) => invalid({ group: "", kind: "" }, "", [invalidValue("patch", text, why)]);
  if (resource.custom && !asObject(patched).kind) throw refuse(`Object 'Kind' is missing in '${text}'`);
  try {
    return settleObject(decodeObject(patched, text, resource), resource, context);
  } catch (error) {
    if (!(error instanceof DecodingError)) throw error;
    throw refuse(error.why);
  }
}

function runPatch(patch: Patcher, current: KubeObject): unknown {
  try {
    return patch(clone(current));
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    // As in the API server, which doesn't say which operation failed.
    throw new ApiError({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
      details: {},
    });
  }
}

function apply(core: Core, resource: Resource, body: string, context: WriteContext): Promise<Written> {
  const configuration = parseApply(body, resource, context);
  return changeObject(core, resource, context, {
    creates: context.subresource === "",
    ...applyConfiguration(core, resource, configuration, context),
  });
}
