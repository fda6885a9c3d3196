import type { KubeObject, ObjectMeta } from "../kube/api.ts";
import { auditEvent, type Remarks } from "./audit.ts";
import { answerReview, issueToken } from "./auth/reviews.ts";
import { ISSUER } from "./auth/tokens.ts";
import { ANONYMOUS, authenticated, type UserInfo } from "./auth/user.ts";
import type { Core } from "./core.ts";
import { createFromBody } from "./creates.ts";
import { decodeObject, parseBody } from "./decode.ts";
import { deleteCollection, deleteObject } from "./deletes.ts";
import { AGGREGATED, discoveryDocument, isAggregated, VERSION } from "./discovery.ts";
import { asObject } from "./json.ts";
import { openApiDocument } from "./openapi.ts";
import { patchObject } from "./patches.ts";
import { getObject, json, listObjects, represent, watchObjects } from "./reads.ts";
import { type ApiRequest, type ApiResponse, parseRequest, type RequestInfo } from "./request.ts";
import { REVIEWS } from "./resources/builtins.ts";
import type { Resource, Subresource } from "./resources/resource.ts";
import { answerScale } from "./scale.ts";
import {
  ApiError,
  badRequest,
  forbidden,
  internalError,
  methodNotAllowed,
  notFound,
  unauthorized,
} from "./status.ts";
import { parseAccept } from "./table.ts";
import { replaceFromBody, type Written } from "./updates.ts";
import { type OptionsKind, writeContext } from "./write-options.ts";

const NOT_FOUND: ApiResponse = {
  code: 404,
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  body: "404 page not found\n",
};

/** One request on its way through the pipeline. */
interface Exchange {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly remarks: Remarks;
}

/**
 * Answers one request: authentication, authorization, then the resource or document it asks for. Never
 * rejects: errors are answers.
 *
 * @param host `host:port` under which clients reach the server, for the documents that name it.
 */
export async function handle(core: Core, request: ApiRequest, host = "127.0.0.1"): Promise<ApiResponse> {
  const remarks: Remarks = { warnings: [], annotations: {} };
  let user: UserInfo;
  try {
    user = impersonate(core, await authenticate(core, request), request.impersonated);
  } catch (error) {
    return failure(error);
  }
  const info = parseRequest(request.method, request.target);
  const response = await answer(core, { request, info, user, remarks }, host).catch(failure);
  core.audit(auditEvent(info, request.target, user, response.code, remarks.annotations));
  return withWarnings(response, remarks.warnings);
}

function failure(error: unknown): ApiResponse {
  return errorResponse(error instanceof ApiError ? error : internalError(String(error)));
}

async function answer(core: Core, exchange: Exchange, host: string): Promise<ApiResponse> {
  const { request, info, user, remarks } = exchange;
  Object.assign(remarks.annotations, {
    "authorization.k8s.io/decision": "forbid",
    "authorization.k8s.io/reason": "",
  });
  authorize(core, user, info);
  remarks.annotations["authorization.k8s.io/decision"] = "allow";
  return info.resource === undefined
    ? answerDocument(core, request, info, host)
    : answerResource(core, exchange);
}

function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  const warning = [...new Set(warnings)]
    // A header can't carry these, so the API server drops them.
    .filter((text) => text !== "" && !/\p{Cc}/u.test(text))
    .map((text) => `299 - ${JSON.stringify(text)}`);
  return { ...response, headers: { ...response.headers, warning } };
}

export function errorResponse({ status }: ApiError): ApiResponse {
  const seconds = status.details?.retryAfterSeconds;
  const headers: ApiResponse["headers"] = seconds === undefined ? {} : { "retry-after": String(seconds) };
  return json(status.code ?? 500, status, headers);
}

async function authenticate(core: Core, { credentials }: ApiRequest): Promise<UserInfo> {
  if (credentials === undefined) return ANONYMOUS;
  if ("user" in credentials) return authenticated(credentials.user);
  const user = await core.tokens.authenticate(credentials.token);
  if (user === undefined) throw unauthorized();
  return authenticated(user);
}

/** @throws ApiError 403 when `user` may not act as the one who is asked for */
function impersonate(core: Core, user: UserInfo, asked: UserInfo | undefined): UserInfo {
  if (asked === undefined) return user;
  const wanted = [["users", asked.username], ...asked.groups.map((group) => ["groups", group])] as [
    string,
    string,
  ][];
  for (const [plural, name] of wanted) {
    if (core.authorize({ user, verb: "impersonate", group: "", resource: plural, name })) continue;
    const what = `resource ${JSON.stringify(plural)} in API group "" at the cluster scope`;
    throw forbidden(
      { group: "", plural },
      name,
      `User ${JSON.stringify(user.username)} cannot impersonate ${what}`,
    );
  }
  return authenticated(asked);
}

function authorize(core: Core, user: UserInfo, { path, verb, resource }: RequestInfo): void {
  if (resource === undefined) {
    if (core.authorize({ user, verb, path })) return;
    const message = `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}`;
    throw new ApiError({ code: 403, reason: "Forbidden", message, details: {} });
  }
  const { group, plural, subresource, namespace, name } = resource;
  // The namespace that a request for a namespace object is about is that namespace.
  const within = namespace ?? (group === "" && plural === "namespaces" && name ? name : undefined);
  if (core.authorize({ user, verb, group, resource: plural, subresource, namespace: within, name })) return;
  const wanted = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = within === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(within)}`;
  const why =
    `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(wanted)} ` +
    `in API group ${JSON.stringify(group)} ${where}`;
  throw forbidden({ group, plural }, name, why);
}

async function answerDocument(
  core: Core,
  request: ApiRequest,
  { path }: RequestInfo,
  host: string,
): Promise<ApiResponse> {
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) {
    return { code: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: "ok" };
  }
  if (/^\/version\/?$/.test(path)) return json(200, VERSION);
  if (path === "/openid/v1/jwks") return json(200, await core.tokens.jwks());
  if (path === "/.well-known/openid-configuration") {
    return json(200, {
      issuer: ISSUER,
      jwks_uri: `https://${host}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
  }
  if (path.startsWith("/openapi/")) return openApiDocument(core, path) ?? NOT_FOUND;
  if (!/^\/apis?(\/|$)/.test(path)) return NOT_FOUND;
  const accept = request.accept ?? "";
  const document = discoveryDocument(core, path, accept, host);
  if (document === undefined) return NOT_FOUND;
  const wholeApi = /^\/apis?\/?$/.test(path);
  return json(200, document, wholeApi && isAggregated(accept) ? { "content-type": AGGREGATED } : {});
}

async function answerResource(core: Core, exchange: Exchange): Promise<ApiResponse> {
  const { info } = exchange;
  const asked = info.resource as NonNullable<RequestInfo["resource"]>;
  const resource = core.registry.find(asked.group, asked.version, asked.plural);
  if (resource === undefined || (asked.namespace !== undefined && !resource.namespaced)) {
    return missing(core, asked.group, asked.version);
  }
  if (REVIEWS.includes(resource)) {
    if (info.verb !== "create") throw methodNotAllowed(resource, info.verb);
    return json(201, await answerReview(core, decodeBody(exchange, resource), info, exchange.user));
  }
  const { subresource } = asked;
  if (subresource !== "" && !resource.subresources.includes(subresource as Subresource)) {
    // As in the API server: custom resources are asked for the object, built-in ones have no such path.
    if (resource.custom) throw notFound(resource, asked.name);
    return NOT_FOUND;
  }
  if (subresource === "token") return json(201, await issueToken(core, decodeBody(exchange), info));
  if (subresource === "scale") return answerScale(core, resource, info);
  return answerVerb(core, resource, exchange);
}

/** Groups that are built in answer for their unknown resources with a Status. */
function missing(core: Core, group: string, version: string): ApiResponse {
  const known = core.registry
    .all()
    .some((each) => !each.custom && each.group === group && each.version === version);
  if (!known) return NOT_FOUND;
  const message = "the server could not find the requested resource";
  return errorResponse(new ApiError({ code: 404, reason: "NotFound", message, details: {} }));
}

/** A body that is not stored: a review, or a token request. */
function decodeBody({ request }: Exchange, resource?: Resource): KubeObject {
  const body = request.body ?? "";
  const kind = resource?.kind ?? "TokenRequest";
  const parsed = parseBody(body, request.contentType, kind);
  if (resource !== undefined) return decodeObject(parsed, body, resource);
  return { ...asObject(parsed), metadata: asObject(asObject(parsed).metadata) as unknown as ObjectMeta };
}

async function answerVerb(core: Core, resource: Resource, exchange: Exchange): Promise<ApiResponse> {
  const { request, info, user, remarks } = exchange;
  const { accept } = request;
  const context = (kind: OptionsKind) => writeContext(kind, request, info, user, remarks);
  if (["update", "patch"].includes(info.verb) && !info.resource?.name)
    throw badRequest("name must be provided");
  const written = ({ object, created }: Written) =>
    json(created ? 201 : 200, represent(core, resource, object, parseAccept(accept, info.query)));
  switch (info.verb) {
    case "get":
      return getObject(core, resource, info, accept);
    case "list":
      return listObjects(core, resource, info, accept);
    case "watch":
      return watchObjects(core, resource, info, accept);
    case "create": {
      const object = await createFromBody(core, resource, request, context("CreateOptions"));
      return written({ object, created: true });
    }
    case "update":
      return written(await replaceFromBody(core, resource, request, context("UpdateOptions")));
    case "patch":
      return written(await patchObject(core, resource, request, info, user, remarks));
    case "delete":
      if (info.resource?.subresource) throw methodNotAllowed(resource, "delete");
      return deleteObject(core, resource, request, info, user, remarks);
    case "deletecollection":
      return deleteCollection(core, resource, request, info, user, remarks);
    default:
      throw methodNotAllowed(resource, info.verb);
  }
}
