import type { KubeObject } from "../../kube/api.ts";
import { userInfoJson } from "../auth/user.ts";
import { celErrorMessage } from "../cel.ts";
import type { JsonObject } from "../json.ts";
import { NAMESPACE_STORAGE } from "../namespaces.ts";
import type { Registry } from "../registry.ts";
import type { Resource } from "../resources/resource.ts";
import { forbidden, notFound, qualified } from "../status.ts";
import type { Store } from "../store.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { MatchConditionError, matchConditionsHold } from "./match-conditions.ts";
import type { Rule, Webhook } from "./webhook.ts";

/** Registrations are not themselves subject to webhooks: one could otherwise never be taken away. */
const EXEMPT_GROUP = "admissionregistration.k8s.io";

/**
 * Whether a webhook is to see a write, and in which version of its type; undefined: it isn't.
 * @throws ApiError 403 when a match condition fails to evaluate and the webhook is failed closed
 */
export function matchWebhook(
  store: Store,
  registry: Registry,
  webhook: Webhook,
  attributes: AdmissionAttributes,
): Resource | undefined {
  if (attributes.resource.group === EXEMPT_GROUP) return undefined;
  const resource = matchRules(registry, webhook, attributes);
  if (resource === undefined) return undefined;
  if (!matchNamespace(store, webhook, attributes) || !matchObject(webhook, attributes)) return undefined;
  return matchConditions(webhook, resource, attributes) ? resource : undefined;
}

function matchRules(
  registry: Registry,
  webhook: Webhook,
  attributes: AdmissionAttributes,
): Resource | undefined {
  const { resource } = attributes;
  const matches = (candidate: Resource) =>
    webhook.rules.some((rule) => ruleMatches(rule, candidate, attributes));
  if (matches(resource)) return resource;
  if (webhook.exact) return undefined;
  // matchPolicy Equivalent: the same objects under another version.
  return registry
    .all()
    .find((each) => each !== resource && qualified(each) === qualified(resource) && matches(each));
}

function ruleMatches(
  rule: Rule,
  resource: Resource,
  { operation, subresource }: AdmissionAttributes,
): boolean {
  const has = (values: readonly string[], value: string) => values.includes("*") || values.includes(value);
  const scope = resource.namespaced ? "Namespaced" : "Cluster";
  return (
    has(rule.operations, operation) &&
    has(rule.apiGroups, resource.group) &&
    has(rule.apiVersions, resource.version) &&
    (rule.scope === "*" || rule.scope === scope) &&
    rule.resources.some((pattern) => resourceMatches(pattern, resource.plural, subresource))
  );
}

/** `hosts`, `hosts/status`, `hosts/*`, `*`, `* /status` and `* /*` (without the spaces). */
function resourceMatches(pattern: string, plural: string, subresource: string): boolean {
  const [resource, wanted = ""] = pattern.split("/");
  if (resource !== "*" && resource !== plural) return false;
  return wanted === subresource || wanted === "*";
}

function matchNamespace(store: Store, webhook: Webhook, attributes: AdmissionAttributes): boolean {
  const { resource, namespace } = attributes;
  if (qualified(resource) === NAMESPACE_STORAGE) {
    const object = attributes.object ?? attributes.oldObject;
    return webhook.namespaceMatches(object?.metadata.labels ?? {});
  }
  if (namespace === undefined) return true;
  const found = store.get(NAMESPACE_STORAGE, namespace);
  if (found === undefined) throw notFound({ group: "", plural: NAMESPACE_STORAGE }, namespace);
  return webhook.namespaceMatches(found.metadata.labels ?? {});
}

function matchObject({ objectMatches }: Webhook, { object, oldObject }: AdmissionAttributes): boolean {
  const matches = (each: KubeObject | undefined) =>
    each !== undefined && objectMatches(each.metadata.labels ?? {});
  return matches(object) || matches(oldObject);
}

function matchConditions(webhook: Webhook, resource: Resource, attributes: AdmissionAttributes): boolean {
  if (webhook.matchConditions.length === 0) return true;
  const { object = null, oldObject = null, name } = attributes;
  const request = requestFields(resource, attributes);
  try {
    return matchConditionsHold(webhook.matchConditions, { object, oldObject, request });
  } catch (error) {
    if (!(error instanceof MatchConditionError)) throw error;
    if (webhook.ignoreFailure) return false;
    throw forbidden(
      attributes.resource,
      name,
      `expression '${error.expression}' resulted in error: ${celErrorMessage(error.cause)}`,
    );
  }
}

/** The fields of an AdmissionRequest that say what is asked, without the objects. */
export function requestFields(resource: Resource, attributes: AdmissionAttributes): JsonObject {
  const { operation, namespace, name, subresource, user, dryRun, options } = attributes;
  const kindOf = ({ group, version, kind }: Resource) => ({ group, version, kind });
  const resourceOf = ({ group, version, plural }: Resource) => ({ group, version, resource: plural });
  return {
    kind: kindOf(resource),
    resource: resourceOf(resource),
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: kindOf(attributes.resource),
    requestResource: resourceOf(attributes.resource),
    ...(subresource === "" ? {} : { requestSubResource: subresource }),
    ...(name === "" ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: userInfoJson(user),
    dryRun,
    options,
  };
}
