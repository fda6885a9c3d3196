import type { KubeObject } from "../../kube/api.ts";
import type { Core } from "../core.ts";
import { timestamp } from "../identifiers.ts";
import { asArray, asObject, type JsonObject } from "../json.ts";
import type { RequestInfo } from "../request.ts";
import { badRequest, type FieldError, invalid, invalidValue, notFound } from "../status.ts";
import type { Attributes } from "./rbac.ts";
import { ISSUER, type TokenAuthority } from "./tokens.ts";
import { authenticated, type UserInfo, userInfoJson } from "./user.ts";

type Answer = (
  core: Core,
  review: KubeObject,
  user: UserInfo,
  namespace: string | undefined,
) => Promise<JsonObject>;

/** The status of each review type: questions that are answered and not stored. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  async LocalSubjectAccessReview(core, review, _user, namespace) {
    return { allowed: core.authorize(attributesOf(asObject(review.spec), subjectOf(review), namespace)) };
  },
  async SelfSubjectAccessReview(core, review, user) {
    return { allowed: core.authorize(attributesOf(asObject(review.spec), user)) };
  },
  async SelfSubjectReview(_core, _review, user) {
    return { userInfo: userInfoJson(user) };
  },
  async SubjectAccessReview(core, review) {
    return { allowed: core.authorize(attributesOf(asObject(review.spec), subjectOf(review))) };
  },
  async TokenReview(core, review) {
    const { token, audiences } = asObject(review.spec);
    if (!token) throw badRequest("token is required for TokenReview in authentication");
    const asked = asArray(audiences).map(String);
    const found = await firstUser(core.tokens, String(token), asked.length > 0 ? asked : [ISSUER]);
    if (found === undefined) return { user: {}, error: "invalid bearer token" };
    return {
      authenticated: true,
      user: userInfoJson(authenticated(found.user)),
      audiences: [found.audience],
    };
  },
};

async function firstUser(tokens: TokenAuthority, token: string, audiences: readonly string[]) {
  for (const audience of audiences) {
    const user = await tokens.authenticate(token, audience);
    if (user !== undefined) return { user, audience };
  }
  return undefined;
}

/** POST of a review. */
export async function answerReview(
  core: Core,
  review: KubeObject,
  info: RequestInfo,
  user: UserInfo,
): Promise<KubeObject> {
  if (String(review.kind).endsWith("AccessReview")) checkAccessReview(review);
  const answer = ANSWERS[review.kind as string] as Answer;
  const status = await answer(core, review, user, info.resource?.namespace);
  const dated = review.kind === "SelfSubjectReview";
  const metadata = dated ? { creationTimestamp: timestamp(core.clock.wallMs()) } : {};
  return { ...review, metadata: { ...review.metadata, ...metadata }, status };
}

/** A review of access has one question, and one of somebody else's names somebody. @throws ApiError 422 */
function checkAccessReview({ kind, spec: sent }: KubeObject): void {
  const spec = asObject(sent);
  const errors: FieldError[] = [];
  if (!spec.resourceAttributes && !spec.nonResourceAttributes) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(invalidValue("spec.resourceAttributes", null, why));
  }
  if (spec.resourceAttributes && spec.nonResourceAttributes) {
    const { path = "", verb = "" } = asObject(spec.nonResourceAttributes);
    const why = "cannot be specified in combination with resourceAttributes";
    // Here the API server shows the names of Go's fields.
    errors.push(invalidValue("spec.nonResourceAttributes", { Path: path, Verb: verb }, why));
  }
  if (kind !== "SelfSubjectAccessReview" && !spec.user && asArray(spec.groups).length === 0) {
    errors.push(invalidValue("spec.user", "", "at least one of user or group must be specified"));
  }
  if (errors.length > 0) throw invalid({ group: "authorization.k8s.io", kind: "" }, "", errors);
}

function subjectOf(review: KubeObject): UserInfo {
  const spec = asObject(review.spec);
  return {
    username: String(spec.user ?? ""),
    groups: asArray(spec.groups).map(String),
    extra: asObject(spec.extra) as Record<string, string[]>,
  };
}

function attributesOf(spec: JsonObject, user: UserInfo, inNamespace?: string): Attributes {
  if (spec.nonResourceAttributes !== undefined) {
    const { verb, path } = asObject(spec.nonResourceAttributes);
    return { user, verb: String(verb), path: String(path) };
  }
  const { verb, group, resource, subresource, namespace, name } = asObject(spec.resourceAttributes);
  return {
    user,
    verb: String(verb ?? ""),
    group: String(group ?? ""),
    resource: String(resource ?? ""),
    subresource: String(subresource ?? ""),
    namespace: namespace ? String(namespace) : inNamespace,
    name: String(name ?? ""),
  };
}

/** Source: the limits of TokenRequest, 10 minutes to 2^32 seconds; default one hour. */
const MIN_EXPIRATION_SECONDS = 600;
const DEFAULT_EXPIRATION_SECONDS = 3600;

/** POST to serviceaccounts/NAME/token. */
export async function issueToken(core: Core, body: KubeObject, info: RequestInfo): Promise<KubeObject> {
  const { name, namespace = "" } = info.resource as NonNullable<RequestInfo["resource"]>;
  const account = core.store.get("serviceaccounts", `${namespace}/${name}`);
  if (account === undefined) throw notFound({ group: "", plural: "serviceaccounts" }, name);
  const spec = asObject(body.spec);
  const expirationSeconds = Number(spec.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS);
  if (expirationSeconds < MIN_EXPIRATION_SECONDS) {
    const why = "may not specify a duration less than 10 minutes";
    throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, "", [
      invalidValue("spec.expirationSeconds", expirationSeconds, why),
    ]);
  }
  const pod = boundPod(core, spec.boundObjectRef, namespace);
  const asked = asArray(spec.audiences).map(String);
  const audiences = asked.length > 0 ? asked : [ISSUER];
  const { token, expiresMs } = await core.tokens.issue({
    namespace,
    serviceAccount: { name, uid: String(account.metadata.uid) },
    ...(pod === undefined ? {} : { pod }),
    audiences,
    expirationSeconds,
  });
  const { uid } = account.metadata;
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      creationTimestamp: timestamp(core.clock.wallMs()),
    },
    spec: { ...spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: timestamp(expiresMs) },
  };
}

function boundPod(
  core: Core,
  reference: unknown,
  namespace: string,
): { name: string; uid: string } | undefined {
  const { kind, name, uid } = asObject(reference);
  if (kind === undefined) return undefined;
  if (kind !== "Pod") throw badRequest(`cannot bind token to object of type ${kind}`);
  const pod = core.store.get("pods", `${namespace}/${name}`);
  const resource = { group: "", plural: "pods" };
  if (pod === undefined || (uid !== undefined && uid !== pod.metadata.uid))
    throw notFound(resource, String(name));
  return { name: String(name), uid: String(pod.metadata.uid) };
}
