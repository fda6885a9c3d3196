import type { KubeObject } from "../../kube/api.ts";
import { asArray, asObject, type JsonObject } from "../json.ts";
import { type LabelPredicate, labelSelectorPredicate } from "../selectors.ts";
import { type Store, storageKey } from "../store.ts";
import type { WebhookTarget } from "./review.ts";

export type WebhookKind = "mutating" | "validating";

/** A rule of a registration: every list may hold "*". */
export interface Rule {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly scope: string;
}

/** One webhook of a configuration, read once per version of the configuration. */
export interface Webhook {
  /** Differs between all webhooks of a server. */
  readonly id: string;
  readonly name: string;
  readonly target: WebhookTarget;
  readonly rules: readonly Rule[];
  readonly exact: boolean;
  readonly ignoreFailure: boolean;
  readonly reinvoke: boolean;
  readonly namespaceMatches: LabelPredicate;
  readonly objectMatches: LabelPredicate;
  readonly matchConditions: readonly { expression: string }[];
}

const STORAGE: Record<WebhookKind, string> = {
  mutating: "mutatingwebhookconfigurations.admissionregistration.k8s.io",
  validating: "validatingwebhookconfigurations.admissionregistration.k8s.io",
};

const readOnce = new WeakMap<KubeObject, readonly Webhook[]>();

/** All webhooks of a kind, ordered by the name of their configuration and their place in it. */
export function webhooksOf(store: Store, kind: WebhookKind): Webhook[] {
  return store.list(STORAGE[kind]).flatMap((configuration) => {
    let webhooks = readOnce.get(configuration);
    if (webhooks === undefined) {
      const { name } = configuration.metadata;
      webhooks = asArray(configuration.webhooks).map((each, index) =>
        readWebhook(asObject(each), `${storageKey({ name })}/${index}`),
      );
      readOnce.set(configuration, webhooks);
    }
    return webhooks;
  });
}

const strings = (value: unknown) => asArray(value).map(String);

function readWebhook(webhook: JsonObject, id: string): Webhook {
  const name = String(webhook.name);
  return {
    id,
    name,
    target: readTarget(webhook, name),
    rules: asArray(webhook.rules)
      .map(asObject)
      .map((rule) => ({
        operations: strings(rule.operations),
        apiGroups: strings(rule.apiGroups),
        apiVersions: strings(rule.apiVersions),
        resources: strings(rule.resources),
        scope: String(rule.scope ?? "*"),
      })),
    exact: webhook.matchPolicy === "Exact",
    ignoreFailure: webhook.failurePolicy === "Ignore",
    reinvoke: webhook.reinvocationPolicy === "IfNeeded",
    namespaceMatches: labelSelectorPredicate(webhook.namespaceSelector),
    objectMatches: labelSelectorPredicate(webhook.objectSelector),
    matchConditions: asArray(webhook.matchConditions).map((each) => ({
      expression: String(asObject(each).expression),
    })),
  };
}

function readTarget(webhook: JsonObject, name: string): WebhookTarget {
  const { url, service, caBundle } = asObject(webhook.clientConfig);
  const timeoutMs = Number(webhook.timeoutSeconds ?? 10) * 1000;
  const bundle = caBundle === undefined ? {} : { caBundle: String(caBundle) };
  if (url !== undefined) return { name, url: String(url), timeoutMs, ...bundle };
  const { namespace, name: serviceName, path, port } = asObject(service);
  return {
    name,
    timeoutMs,
    ...bundle,
    service: {
      namespace: String(namespace),
      name: String(serviceName),
      port: Number(port ?? 443),
      ...(path === undefined ? {} : { path: String(path) }),
    },
  };
}
