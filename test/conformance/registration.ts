import type { Json } from "../controlplane/index.ts";
import { GROUP, widget, widgets } from "./objects.ts";
import type { Scenario } from "./scenario.ts";
import type { WebhookServer } from "./webhook-server.ts";

export type Door = "mutating" | "validating";

const KINDS = { mutating: "MutatingWebhookConfiguration", validating: "ValidatingWebhookConfiguration" };
const PROBE = "conformance.beskar7.io/probe";

export const configurations = (door: Door, name = "") =>
  `/apis/admissionregistration.k8s.io/v1/${door}webhookconfigurations${name && `/${name}`}`;

/** A webhook for creates and updates of widgets in the scenario's namespace. `name` is also its path. */
export function webhook(s: Scenario, server: WebhookServer, name: string, more: Json = {}): Json {
  return {
    name: `${name}.conformance.beskar7.io`,
    clientConfig: { url: server.url(`/${name}`), caBundle: server.caBundle },
    rules: [
      { apiGroups: [GROUP], apiVersions: ["v1"], resources: ["widgets"], operations: ["CREATE", "UPDATE"] },
    ],
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": s.namespace } },
    objectSelector: { matchExpressions: [{ key: PROBE, operator: "DoesNotExist" }] },
    ...more,
  };
}

export function configuration(door: Door, name: string, hooks: Json[]): Json {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: KINDS[door],
    metadata: { name },
    webhooks: hooks,
  };
}

/**
 * Registers and waits until the API server uses it; it never says so itself. Therefore a webhook more is registered
 * that only looks at probes, and probes are sent until it has seen one.
 */
export async function register(
  s: Scenario,
  server: WebhookServer,
  door: Door,
  hooks: Json[],
  order = "",
): Promise<void> {
  const name = `${order}${s.namespace}-${door}`;
  const path = `/${name}-probe`;
  const probe = webhook(s, server, "probe", {
    name: `probe-${order}${door}.conformance.beskar7.io`,
    clientConfig: { url: server.url(path), caBundle: server.caBundle },
    objectSelector: { matchExpressions: [{ key: PROBE, operator: "Exists" }] },
  });
  server.hook(path, () => ({ allowed: true }));
  await s.quietly("POST", configurations(door), { body: configuration(door, name, [...hooks, probe]) });
  s.defer(async () => void (await s.quietly("DELETE", configurations(door, name))));
  while (server.requests(path).length === 0) {
    const body = widget("probe", {}, { labels: { [PROBE]: "" } });
    await s.quietly("POST", `${widgets(s.namespace)}?dryRun=All`, { body });
  }
}
